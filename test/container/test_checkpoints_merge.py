"""merge_checkpoint.py as a process, with a stand-in for MindSpore that joins small files."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from support.script import Script
from training.steps import Note, write_note

STUBS = Path(__file__).parent / "support/checkpoints_packages"


class Run:
    """The output folder of a training run, and what is merged of it."""

    def __init__(self, script: Script, folder: Path) -> None:
        self._script = script
        self.folder = folder / "run"
        self.output = folder / "merged"
        self.output.mkdir()

    def file(self, path: str, content: object, age: int = 0) -> Path:
        """Write a checkpoint or strategy of JSON, `age` seconds old."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(content))
        os.utime(target, (1e9 - age, 1e9 - age))
        return target

    def step(self, rank: int, step: str, content: object, ranks: int = 1, run: int = 1, order: int = 1) -> None:
        """Write a checkpoint of one rank, and the note that it is finished unless `ranks` is 0."""
        suffix = f"_{run - 1}" if run > 1 else ""
        path = self.file(f"checkpoint/rank_{rank}/glm3-6b_rank_{rank}{suffix}-{step}.ckpt", content)
        if ranks:
            epoch, number = map(int, step.split("_"))
            note = Note(path.name, path.stat().st_size, epoch, number, run, order, ranks)
            write_note(path.parent, note)

    def merge(self, *arguments: object, **environment: str) -> tuple[int, str]:
        flags = ("--source", self.folder, "--output", self.output, "--file", "glm3_6b.ckpt")
        return self._script.run(*flags, *arguments, PYTHONPATH=str(STUBS), **environment)

    @property
    def merged(self) -> object:
        return json.loads((self.output / "glm3_6b.ckpt").read_text())

    @property
    def cause(self) -> str:
        return self._script.cause


@pytest.fixture
def run(python: str, container: Path, tmp_path: Path) -> Run:
    return Run(Script(python, container, "merge_checkpoint", tmp_path), tmp_path)


def test_merges_the_newest_step_that_every_rank_finished_without_the_optimizer(run: Run) -> None:
    for rank in range(4):
        for order, (step, ranks) in enumerate((("1_9", 4), ("1_10", 4), ("2_5", 0 if rank == 2 else 4))):
            values = [rank + int(step[2:])]
            state = {"adam_m.model.split": [0], "adam_v.model.split": [0], "global_step": [7]}
            run.step(rank, step, {"model.split": values, "model.same": [1], **state}, ranks, order=order)
        run.file(f"strategy/ckpt_strategy_rank_{rank}.ckpt", {"sharded": ["model.split"]})

    code, output = run.merge()

    assert code == 0, output
    assert run.merged == {"model.split": [10, 11, 12, 13], "model.same": [1]}
    assert f"{run.folder}: epoch 1 step 10 of 4 ranks, 4 strategy files" in output
    assert sorted(path.name for path in run.output.iterdir()) == ["glm3_6b.ckpt"]
    assert stat.S_IMODE((run.output / "glm3_6b.ckpt").stat().st_mode) == 0o644


def test_a_run_that_began_to_count_again_is_the_newer(run: Run) -> None:
    run.step(0, "3_9", {"model.a": [1]})
    run.step(0, "1_2", {"model.a": [2]}, run=2)
    run.file("checkpoint_network/rank_0/glm3-6b_rank_0-network.ckpt", {"model.a": "half-written"})

    assert run.merge()[0] == 0
    assert run.merged == {"model.a": [2]}


def test_without_notes_the_model_alone_of_the_newest_run(run: Run) -> None:
    for rank in range(2):
        run.step(rank, "1_5", {"model.a": [0], "adam_m.model.a": [0]}, ranks=0)
        folder = f"checkpoint_network/rank_{rank}"
        run.file(f"{folder}/glm3-6b_rank_{rank}_1-network.ckpt", {"model.a": [rank + 20]})
        run.file(f"{folder}/glm3-6b_rank_{rank}-network.ckpt", {"model.a": [rank + 10]}, age=60)
        run.file(f"strategy/ckpt_strategy_rank_{rank}.ckpt", {"sharded": ["model.a"]})

    code, output = run.merge()

    assert code == 0, output
    assert run.merged == {"model.a": [20, 21]}
    assert "checkpoint_network of 2 ranks" in output


def test_without_notes_and_models_the_step_saved_last(run: Run) -> None:
    run.file("checkpoint/rank_0/glm_rank_0-2_1.ckpt", {"model.a": [1]}, age=9)
    run.file("checkpoint/rank_0/glm_rank_0_1-1_5.ckpt", {"model.a": [2]})
    run.file("checkpoint/rank_0/glm_rank_0-1_5.ckpt", {"model.a": [3]}, age=20)

    code, output = run.merge()

    assert code == 0, output
    assert run.merged == {"model.a": [2]}
    assert "epoch 1 step 5 of 1 ranks" in output


def test_reads_strategies_of_a_folder_that_nobody_may_write(run: Run) -> None:
    for rank in range(2):
        run.step(rank, "1_5", {"model.a": [rank]}, 2)
        run.file(f"elsewhere/ckpt_strategy_rank_{rank}.ckpt", {"sharded": ["model.a"]})
    run.file("elsewhere/merged_ckpt_strategy.ckpt", "left by another tool: not one rank's")
    elsewhere = run.folder / "elsewhere"
    before = sorted(elsewhere.iterdir())
    elsewhere.chmod(0o555)

    code, output = run.merge("--strategy", elsewhere)

    assert code == 0, output
    assert run.merged == {"model.a": [0, 1]}
    assert sorted(elsewhere.iterdir()) == before


def test_one_strategy_file_of_all_ranks(run: Run) -> None:
    for rank in range(2):
        run.step(rank, "1_5", {"model.a": [rank]}, 2)
    strategy = run.file("ckpt_strategy.ckpt", {"sharded": ["model.a"]})

    assert run.merge("--strategy", strategy)[0] == 0
    assert run.merged == {"model.a": [0, 1]}


def test_data_parallel_ranks_hold_the_whole_model(run: Run) -> None:
    for rank in range(3):
        run.step(rank, "1_5", {"model.a": [1, 2], "global_step": [5]}, 3)
    tokenizer = run.file("tokenizer.model", "spm")

    code, output = run.merge("--tokenizer", tokenizer)

    assert code == 0, output
    assert run.merged == {"model.a": [1, 2]}
    assert (run.output / "tokenizer.model").read_text() == '"spm"'


def test_shards_without_strategy_are_refused(run: Run) -> None:
    for rank in range(3):
        run.step(rank, "1_5", {"model.a": [rank]}, 3)

    code, _ = run.merge()

    assert code == 28
    assert run.cause == (
        "rank 0 and rank 2 differ in model.a: these are shards, and no strategy file says how to join them; "
        "name the run's strategy folder with --strategy"
    )
    assert not (run.output / "glm3_6b.ckpt").exists()


def test_starts_again_over_what_a_killed_attempt_left(run: Run) -> None:
    for rank in range(2):
        run.step(rank, "1_5", {"model.a": [rank], "global_step": [1]}, 2)
        run.file(f"strategy/ckpt_strategy_rank_{rank}.ckpt", {"sharded": ["model.a"]})
    for left in ("source/rank_0/other.ckpt", "target/rank_0/merged0.ckpt"):
        path = run.output / ".merging" / left
        path.parent.mkdir(parents=True)
        path.write_text("half")
    (run.output / ".glm3_6b.partial.ckpt").write_text("half")

    code, output = run.merge()

    assert code == 0, output
    assert run.merged == {"model.a": [0, 1]}
    assert sorted(path.name for path in run.output.iterdir()) == ["glm3_6b.ckpt"]


def test_no_step_of_all_ranks(run: Run) -> None:
    run.step(0, "1_5", {"model.a": [0]}, ranks=2)
    run.step(1, "1_6", {"model.a": [0]}, ranks=2)

    assert run.merge()[0] == 28
    assert run.cause == f"no step of the run in {run.folder} is noted as finished by all 2 ranks"

    for notes in run.folder.glob("checkpoint/*/.complete"):
        shutil.rmtree(notes)
    assert run.merge()[0] == 28
    assert run.cause == "no step was saved by all 2 ranks (rank 0: 1_5, rank 1: 1_6)"


def test_a_rank_is_missing(run: Run) -> None:
    for rank in (0, 1, 3):
        run.step(rank, "1_5", {"model.a": [0]}, ranks=0)

    assert run.merge()[0] == 28
    assert run.cause == f"{run.folder}/checkpoint has the ranks 0, 1, 3; expected 0 to 3 without gaps"


def test_no_run(run: Run) -> None:
    assert run.merge()[0] == 28
    assert run.cause == f"{run.folder} holds no checkpoint/rank_N: it is not the output of a training run"


def test_what_mindspore_refuses_is_told(run: Run) -> None:
    run.step(0, "1_5", {"model.a": [0]})
    run.file("strategy/ckpt_strategy_rank_0.ckpt", {"sharded": []})

    assert run.merge(FAIL_TRANSFORM="1")[0] == 28
    assert run.cause == (
        "MindSpore cannot join the 1 shards with the strategy ckpt_strategy_rank_0.ckpt: "
        "The checkpoint file of rank5 is needed for converting rank0's checkpoint"
    )


def test_a_broken_checkpoint_is_named(run: Run) -> None:
    run.step(0, "1_5", {})
    path = run.folder / "checkpoint/rank_0/glm3-6b_rank_0-1_5.ckpt"
    path.write_text("{,")  # as long as what is noted

    assert run.merge()[0] == 28
    assert run.cause == f"{path} cannot be loaded by MindSpore (Failed to read the checkpoint file)"


def test_wrong_words(run: Run) -> None:
    assert run.merge("--file", "glm3_6b")[0] == 20
    assert run.cause == "--file is 'glm3_6b'; MindSpore needs a plain file name that ends in .ckpt"
    assert run.merge("--strategy", run.folder)[0] == 28
    assert run.cause == f"--strategy {run.folder} is no strategy file and no folder of such files"


def test_an_image_without_mindspore(python: str, container: Path, tmp_path: Path) -> None:
    script = Script(python, container, "merge_checkpoint", tmp_path)
    folder = tmp_path / "run/checkpoint/rank_0"
    folder.mkdir(parents=True)
    (folder / "glm_rank_0-1_1.ckpt").write_text("{}")
    code, _ = script.run("--source", tmp_path / "run", "--output", tmp_path / "out", "--file", "a.ckpt")

    assert code == 30
    assert script.cause == (
        "this image has no usable Python package mindspore (No module named 'mindspore'); "
        "the task needs it: use the runtime's image, or add mindspore to this one"
    )
