"""A model's checkpoint cut for parallel ranks, with the strategy files that tell MindSpore how.

No CPU can train in semi_auto_parallel mode, so the files are written as its serialized messages.
"""

from __future__ import annotations

from pathlib import Path

import mindspore
import numpy as np
from mindspore.train import node_strategy_pb2

from training.steps import Note, write_note


def write(folder: Path, whole: dict[str, np.ndarray], ranks: int, step: str = "1_5") -> None:
    """Write `checkpoint/rank_N` and `strategy` of a run of `ranks`: first dimensions that `ranks` divides are cut."""
    strategies = folder / "strategy"
    strategies.mkdir(parents=True)
    for rank in range(ranks):
        target = folder / f"checkpoint/rank_{rank}"
        target.mkdir(parents=True)
        name = f"glm3-6b_rank_{rank}-{step}.ckpt"
        mindspore.save_checkpoint(_training(_shard(whole, rank, ranks)), str(target / name))
        epoch, number = map(int, step.split("_"))
        write_note(target, Note(name, (target / name).stat().st_size, epoch, number, 1, 1, ranks))
        (strategies / f"ckpt_strategy_rank_{rank}.ckpt").write_bytes(_strategy(whole, ranks))


def _is_cut(array: np.ndarray, ranks: int) -> bool:
    return array.ndim > 0 and array.shape[0] % ranks == 0


def _shard(whole: dict[str, np.ndarray], rank: int, ranks: int) -> dict[str, np.ndarray]:
    return {
        name: np.split(array, ranks)[rank] if _is_cut(array, ranks) else array for name, array in whole.items()
    }


def _training(shard: dict[str, np.ndarray]) -> list[dict]:
    """Add an optimizer's state, as a checkpoint in the middle of a run has it."""
    state = {f"adam_m.{name}": array + 1 for name, array in shard.items()}
    counters = {"global_step": np.array([5], "int32"), "loss_scale": np.array(65536, "float32")}
    return [{"name": name, "data": mindspore.Tensor(array)} for name, array in {**shard, **state, **counters}.items()]


def _strategy(whole: dict[str, np.ndarray], ranks: int) -> bytes:
    message = node_strategy_pb2.ParallelStrategyMap()
    message.current_stage = 0
    item = message.parallel_strategy_item.add()
    item.node_name = "node0"
    item.parallel_strategys.stage = 0
    item.parallel_strategys.parallel_strategy.add().dim.append(ranks)
    for name, array in whole.items():
        _add_layout(message, name, array, ranks)
        _add_layout(message, f"adam_m.{name}", array, ranks)
    return message.SerializeToString()


def _add_layout(message: node_strategy_pb2.ParallelStrategyMap, name: str, array: np.ndarray, ranks: int) -> None:
    item = message.parallel_layout_item.add()
    item.param_name = name
    layout = item.parallel_layouts
    layout.dev_matrix.add().dim.append(ranks)
    layout.tensor_map.add().dim.extend([0 if _is_cut(array, ranks) else -1] + [-1] * (array.ndim - 1))
    layout.param_split_shape.add()
    layout.indices_offset.add()
    layout.field = layout.opt_weight_shard_step = layout.opt_weight_shard_size = 0
