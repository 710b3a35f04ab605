"""A training as MindFormers' script is one, for tests: ranks in lockstep that write checkpoints slowly and in place.

`python training_program.py --config FILE [--load_checkpoint PATH] [--resume_training True] ...` does STEPS steps, and
saves each EVERY-th one to OUTPUT/checkpoint/rank_N/<prefix>-1_<step>.ckpt. A checkpoint tells which steps led to it.
Given a folder it takes its rank's newest file, and where there are files already it adds a number to its prefix,
both as upstream does. MEET is a folder where ranks wait for each other. HANG=rank:step has that rank stop for ever
in the middle of that file, BREAK=rank:step has it fail there; LEAVE has what fails keep the file closed behind it.
PIPELINE has it refuse to go on from the last step.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

env = os.environ
rank, ranks = int(env.get("RANK_ID", "0")), int(env.get("RANK_SIZE", "1"))
folder = Path(env["OUTPUT"]) / "checkpoint" / f"rank_{rank}"
meet = Path(env["MEET"])
steps, every = int(env.get("STEPS", "4")), int(env.get("EVERY", "1"))


def value(flag):
    """Return what `flag` says, the last time it is given."""
    found = [sys.argv[place + 1] for place, word in enumerate(sys.argv) if word == flag]
    return found[-1] if found else None


def checkpoint():
    """Return the file that the training goes on from."""
    path = Path(value("--load_checkpoint") or "/none")
    if path.is_dir():
        return max((path / f"rank_{rank}").glob("*.ckpt"), key=lambda file: file.stat().st_mtime)
    return path if path.is_file() and value("--resume_training") == "True" else None


def prefix():
    """Return the prefix of this run's files."""
    taken = [file.name.partition("-")[0].rpartition(f"rank_{rank}")[2] for file in folder.glob("*.ckpt")]
    number = max((int(end[1:] or "0") + 1 for end in taken), default=0)
    return f"glm_rank_{rank}" + (f"_{number}" if number else "")


def together(step):
    """Wait until every rank has come to `step`: no step is done by some alone."""
    for number in range(ranks):
        (meet / f"{rank}_at_{step}").touch()
        while not (meet / f"{number}_at_{step}").exists():
            time.sleep(0.005)


def troubled(kind, step):
    """Whether HANG or BREAK is about this rank and step."""
    return env.get(kind) == f"{rank}:{step}"


def save(step):
    """Write the checkpoint of `step` in three parts."""
    path = folder / f"{name}-1_{step}.ckpt"
    with path.open("w") as file:
        text = json.dumps(history + [step])
        for part in (text[:1], text[1:-1], text[-1:]):
            file.write(part)
            file.flush()
            time.sleep(float(env.get("PAUSE", "0.01")))
            if part == text[:1] and troubled("HANG", step):
                (meet / "hangs").touch()
                time.sleep(600)
            if part == text[:1] and troubled("BREAK", step):
                raise OSError(28, "No space left on device")
    path.chmod(0o400)


found = checkpoint()
history = json.loads(found.read_text()) if found else []
begun = history[-1] if history else 0
name = prefix()
(meet / f"told_{rank}.json").write_text(
    json.dumps({"argv": sys.argv, "path": sys.path[0], "config": Path(value("--config")).read_text(), "from": history})
)


def step(number):
    """Do a step; the ranks do it together."""
    together(f"{begun}_{number}")
    (meet / f"step_{rank}").write_text(str(number))
    time.sleep(float(env.get("STEP_SECONDS", "0")))


if "PIPELINE" in env and begun >= steps:
    raise RuntimeError(f"Cannot reset the pipeline, reset step must be less than dataset_size * num_epochs: {begun}")
history.append(f"from {begun}")
if "MODEL" in env:
    from mindspore.train.callback import ModelCheckpoint
    from mindspore.train.model import Model

    Model(step).train(steps, None, callbacks=[ModelCheckpoint(save, every)], initial_epoch=begun)
else:
    for number in range(begun + 1, steps + 1):
        step(number)
        if number % every == 0:
            save(number)
together(f"end_{begun}")
if "END" in env:
    sys.exit(int(env["END"]) if env["END"].isdigit() else env["END"])
