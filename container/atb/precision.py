"""The three precisions of the ATB model, and the environment that tells the vendor's scripts which it is."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Mapping, Optional

from pod.exit_codes import BAD_SETTING, Fault

FLOAT, W8A8, SPARSE = "float", "w8a8", "sparse"
PRECISIONS = (FLOAT, W8A8, SPARSE)

_OWNED = ("ENABLE_QUANT", "ENABLE_SPARSE", "QUANT_WEIGHT_PATH", "COMPRESS_WEIGHT_PATH")
QUANTIZED = "quant"
"""Folder of the quantized weights within an artifact of shards."""


def precision_env(
    precision: str, base: Mapping[str, str], quantized: Optional[Path], compressed: Optional[Path] = None
) -> Dict[str, str]:
    """Return `base` with what selects `precision`: at most one of the two switches, which exclude each other.

    Of both, the scripts would take ENABLE_SPARSE, whatever was meant.
    """
    env = {name: value for name, value in base.items() if name not in _OWNED}
    if precision == FLOAT:
        return env
    env["ENABLE_QUANT" if precision == W8A8 else "ENABLE_SPARSE"] = "1"
    env["QUANT_WEIGHT_PATH"] = str(quantized)
    if compressed is not None:
        env["COMPRESS_WEIGHT_PATH"] = str(compressed)
    return env


def check_sparse(precision: str, tp_size: int) -> None:
    """Refuse sparse weights for a number of devices that they cannot be compressed for."""
    if precision == SPARSE and tp_size != 2:
        raise Fault(BAD_SETTING, f"sparse weights can only be compressed for 2 devices, not {tp_size}")


def check_precision(precision: str, tp_size: int, compressed: Optional[Path]) -> None:
    """Refuse to run what cannot run."""
    check_sparse(precision, tp_size)
    if precision == SPARSE and compressed is None:
        raise Fault(BAD_SETTING, "precision sparse needs 'compressed', the output of compress_weights.py")
    if precision != SPARSE and compressed is not None:
        raise Fault(BAD_SETTING, f"'compressed' goes with precision sparse, not {precision}")
