"""merge_checkpoint.py with the real MindSpore over 8 shards, beside the real transform_ckpt.py of MindFormers 1.1.0."""

from __future__ import annotations

import importlib
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import shards, weights

from checkpoints import mindspore_file
from checkpoints.merge import main as merge_checkpoint
from checkpoints.names import to_mindspore
from conftest import Programs

RANKS = 8
WHOLE = {
    to_mindspore(name, "chatglm3", "embedding_table"): array.astype("float16")
    for name, array in weights.values("chatglm3").items()
    if name != weights.ROTARY
}


def merge(programs: Programs, *arguments: object, code: int = 0) -> dict[str, np.ndarray]:
    flags = ("--source", "run", "--output", "merged", "--file", "glm3_6b.ckpt", *arguments)
    programs.here(merge_checkpoint, *flags, code=code)
    return arrays(programs.folder / "merged/glm3_6b.ckpt") if code == 0 else {}


def arrays(checkpoint: Path) -> dict[str, np.ndarray]:
    return {name: mindspore_file.values(each) for name, each in mindspore_file.load(checkpoint).items()}


def is_whole(found: dict[str, np.ndarray]) -> bool:
    return found.keys() == WHOLE.keys() and all(np.array_equal(found[name], WHOLE[name]) for name in WHOLE)


def test_eight_shards_are_the_model_again_as_upstreams_tool_joins_them(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards.write(programs.folder / "run", WHOLE, RANKS)
    before = sorted(path for path in Path("run").rglob("*"))
    for path in before:
        path.chmod(0o555)

    found = merge(programs)

    assert is_whole(found)
    assert sorted(path for path in Path("run").rglob("*")) == before
    assert [path.name for path in Path("merged").iterdir()] == ["glm3_6b.ckpt"]

    shutil.copytree("run/strategy", "strategy")  # upstream's tool writes into it
    Path("strategy").chmod(0o755)
    words = "--src_ckpt_strategy strategy --src_ckpt_dir run/checkpoint --dst_ckpt_dir upstream --prefix glm3_6b"
    monkeypatch.setattr(sys, "argv", ["transform_ckpt.py", *words.split()])
    tools = Path(importlib.util.find_spec("mindformers").origin).parent / "tools"
    runpy.run_path(str(tools / "transform_ckpt.py"), run_name="__main__")
    theirs = arrays(Path("upstream/rank_0/glm3_6b0.ckpt"))
    assert all(np.array_equal(found[name], theirs[name]) for name in found)
    assert any(name.startswith("adam_m.") for name in theirs)


def test_one_strategy_file_for_all(programs: Programs) -> None:
    shards.write(programs.folder / "run", WHOLE, 2)
    Path("run/strategy/ckpt_strategy_rank_0.ckpt").rename("ckpt_strategy.ckpt")
    shutil.rmtree("run/strategy")

    assert is_whole(merge(programs, "--strategy", "ckpt_strategy.ckpt"))


def test_without_strategy_shards_are_refused_and_replicas_are_not(programs: Programs) -> None:
    shards.write(programs.folder / "run", WHOLE, 2)
    shutil.rmtree("run/strategy")

    merge(programs, code=28)
    assert programs.cause == (
        "rank 0 and rank 1 differ in transformer.encoder.layers.0.input_layernorm.weight: these are shards, and no "
        "strategy file says how to join them; name the run's strategy folder with --strategy"
    )

    shutil.rmtree("run")
    shards.write(programs.folder / "run", WHOLE, 1)
    shutil.rmtree("run/strategy")
    shutil.rmtree("run/checkpoint/rank_0/.complete")
    shutil.copytree("run/checkpoint/rank_0", "run/checkpoint/rank_1")
    assert is_whole(merge(programs))


def test_a_lost_shard_is_named(programs: Programs) -> None:
    shards.write(programs.folder / "run", WHOLE, RANKS)
    shutil.rmtree("run/checkpoint/rank_7")
    for notes in Path("run").glob("checkpoint/*/.complete"):
        shutil.rmtree(notes)

    merge(programs, code=28)
    assert programs.cause.startswith(
        "MindSpore cannot join the 7 shards with the strategy ckpt_strategy_rank_0.ckpt, "
        "ckpt_strategy_rank_1.ckpt, ckpt_strategy_rank_2.ckpt: "
    )
    assert "rank7" in programs.cause.replace(" ", "")


def test_a_whole_file_that_is_no_checkpoint(programs: Programs) -> None:
    path = Path("run/checkpoint/rank_0/glm3-6b_rank_0-1_5.ckpt")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x00\x01 not a checkpoint")

    merge(programs, code=28)
    assert programs.cause.startswith(f"{path} cannot be loaded by MindSpore (")
