"""What a model must reach."""

from __future__ import annotations

import argparse
import math
from typing import Dict, List, Mapping, Sequence, Tuple

from pod.exit_codes import BAD_SETTING, LOW_SCORE, Fault
from results.result import number

Minimum = Tuple[str, float]


def minimum(text: str) -> Minimum:
    """Read `METRIC=VALUE`; for `add_argument`."""
    name, separator, value = text.partition("=")
    try:
        limit = float(value)
    except ValueError:
        limit = float("nan")
    if not (name and separator) or math.isnan(limit):
        raise argparse.ArgumentTypeError(f"{text!r} must be METRIC=VALUE, as in bleu-4=7.5")
    return name, limit


def require_known(minimums: Sequence[Minimum], names: Sequence[str]) -> None:
    """Refuse a minimum for what is not among `names`, the metrics that are or will be measured."""
    for name, _limit in minimums:
        if name not in names:
            raise Fault(
                BAD_SETTING, f"--minimum names '{name}', which is not measured: {', '.join(names)} are"
            )


def require_reached(metrics: Mapping[str, float], minimums: Sequence[Minimum]) -> None:
    """Raise `Fault` (LOW_SCORE) that names every metric below its minimum."""
    limits: Dict[str, float] = dict(minimums)
    low: List[str] = [
        f"{name} is {number(metrics[name])}, below its minimum {number(limit)}"
        for name, limit in limits.items()
        if metrics[name] < limit
    ]
    if low:
        raise Fault(LOW_SCORE, "; ".join(low))
