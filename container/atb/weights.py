"""What the model runs from: which folders a form of the weights needs, and how long its cache is."""

from __future__ import annotations

from pathlib import Path

from atb.model_files import check_compressed, check_model, check_shards, check_sliced
from atb.precision import FLOAT, QUANTIZED, SPARSE

DEFAULT_LENGTH = 2048
"""Tokens of prompt and answer together that the model makes room for unless MAX_SEQ_LEN says more."""

_BLOCK = 16  # the 310P lays its cache out in blocks of 16 tokens


def part_folder(model: Path, tp_size: int, rank: int) -> Path:
    """Return the folder that one rank loads."""
    if tp_size == 1:
        return model
    return model / f"tensor_parallel_tp{tp_size}" / "part_model" / str(rank)


def room(length: int, given: object = None) -> int:
    """Return the MAX_SEQ_LEN that holds `length` tokens, in whole blocks; a larger `given` stays."""
    wanted = max(length, DEFAULT_LENGTH, int(str(given)) if str(given).isdigit() else 0)
    return -(-wanted // _BLOCK) * _BLOCK


def check_weights(model: Path, precision: str, tp_size: int, compressed: object = None) -> None:
    """Raise a `Fault` unless `model` is what shard_weights.py made for this precision and these devices."""
    if tp_size > 1:
        check_shards(part_folder(model, tp_size, 0).parent, tp_size)
    else:
        check_model(model)
    if precision != FLOAT:
        check_sliced(model / QUANTIZED / f"tp{tp_size}", tp_size)
    if precision == SPARSE:
        check_compressed(Path(str(compressed)))
