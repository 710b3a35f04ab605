"""Trains and measures as run_mindformer.py of mindformers@3354237 does it, on a model of 17 numbers.

A step adds 1 to each number. Rank r of 8 keeps the r-th eighth of the first 16, as an optimizer split over the
ranks leaves them. Checkpoints are written in place and readable for their owner only. An evaluation drops
--load_checkpoint, as upstream's does.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

STEPS = 3
W, BIAS = "transformer.weight", "transformer.bias"
SECONDS = float(os.environ.get("STUB_SECONDS", "0"))
PARENT = os.getppid()
RANK, RANKS = int(os.environ.get("RANK_ID", "0")), int(os.environ.get("RANK_SIZE", "1"))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    for flag in (
        *("run_mode", "use_parallel", "output_dir", "load_checkpoint", "resume_training", "train_dataset_dir"),
        *("eval_dataset_dir", "epochs", "batch_size", "device_id"),
    ):
        parser.add_argument(f"--{flag}")
    return parser.parse_known_args()


def configuration(path, changes):
    config = json.loads(Path(path).read_text())
    words = [part for word in changes for part in word.split("=")]
    for name, value in zip(words[::2], words[1::2]):
        *sections, key = name[2:].split(".")
        at = config
        for section in sections:
            at = at[section]
        at[key] = value
    return config


def read(path):
    return json.loads(Path(path).read_text())


def begin(options):
    """Return this rank's numbers and the step that they are of."""
    path = Path(options.load_checkpoint)
    if options.resume_training == "True":
        (file,) = (path / f"rank_{RANK}").glob("*.ckpt")
        weights = {name: numbers for name, numbers in read(file).items() if not name.startswith("adam")}
        return weights, int(file.name.rpartition("_")[2][: -len(".ckpt")])
    whole = read(path)
    share = len(whole[W]) // RANKS
    return {W: whole[W][RANK * share : (RANK + 1) * share], BIAS: whole[BIAS]}, 0


def wait(seconds):
    """Sleep, but end with the launcher: a container that is killed leaves no process."""
    time.sleep(seconds)
    if os.getppid() != PARENT:
        os._exit(137)


def together(step):
    """Wait until every rank has come to the step, as collective operators do."""
    meet = Path(os.environ["MEET"]) / os.environ["HOSTNAME"]
    meet.mkdir(parents=True, exist_ok=True)
    (meet / f"{RANK}_{step}").touch()
    while not all((meet / f"{rank}_{step}").exists() for rank in range(RANKS)):
        wait(0.01)


def save(folder, step, weights):
    path = folder / f"glm3-6b_rank_{RANK}-1_{step}.ckpt"
    if path.exists():
        path.unlink()
    text = json.dumps({**weights, f"adam_m.{W}": [0.5]})
    with path.open("w") as file:
        file.write(text[:10])
        file.flush()
        wait(SECONDS)
        file.write(text[10:])
    path.chmod(0o400)


def train(options, config):
    assert sum(1 for _ in open(options.train_dataset_dir)) > 1
    assert Path(config["train_dataset"]["tokenizer"]["vocab_file"]).is_file()
    assert (config["callbacks"][1]["type"], config["callbacks"][1]["keep_checkpoint_max"]) == ("CheckpointMointor", 2)
    table = read(os.environ["RANK_TABLE_FILE"])
    assert len({device["device_ip"] for server in table["server_list"] for device in server["device"]}) == RANKS
    weights, done = begin(options)
    output = Path(options.output_dir)
    folder = output / "checkpoint" / f"rank_{RANK}"
    (output / "strategy").mkdir(exist_ok=True)
    (output / "strategy" / f"ckpt_strategy_rank_{RANK}.ckpt").write_text(json.dumps({"sharded": [W]}))
    for step in range(done + 1, STEPS + 1):
        together(step)
        print(f"{{ Epoch:[  1/  1], step:[    {step}/    {STEPS}], loss:[1.000/1.000], per_step_time: 10ms", flush=True)
        weights = {name: [number + 1 for number in numbers] for name, numbers in weights.items()}
        save(folder, step, weights)
    print(".........Training Over!.............", flush=True)


def evaluate(options, config):
    model = config["model"]["model_config"]
    assert (config["eval_dataset"]["data_loader"]["version"], model["seq_length"]) == ("1", "256")
    weights = read(model["checkpoint_name_or_path"])
    rows = sum(1 for _ in open(options.eval_dataset_dir))
    print("metric: ADGENMetric", flush=True)
    time.sleep(SECONDS)
    print(f"rouge-1: {sum(weights[W])}\nrouge-2: {sum(weights[BIAS])}\nrouge-l: {rows}\nbleu-4:  5.5", flush=True)


def main():
    options, changes = arguments()
    config = configuration(options.config, changes)
    assert options.run_mode in ("finetune", "eval"), options.run_mode
    (train if options.run_mode == "finetune" else evaluate)(options, config)


if __name__ == "__main__":
    sys.exit(main())
