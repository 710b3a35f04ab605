"""The file that every task which measures something leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, Mapping, NamedTuple, Sequence

from artifacts.durable import replace_file

FILE = "result.json"


class Result(NamedTuple):
    """What was measured of `model`.

    `kind` is `evaluation` or `benchmark`, `metrics` are the numbers that count, `settings` what they were
    measured with, and `rows` what they were put together from.
    """

    kind: str
    model: str
    metrics: Mapping[str, float]
    settings: Mapping[str, object]
    rows: Sequence[Mapping[str, object]] = ()

    def write(self, folder: Path) -> None:
        """Write `result.json` into `folder`, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": 1, **self._asdict()}, ensure_ascii=False, indent=1, allow_nan=False)
        replace_file(folder / FILE, f"{text}\n".encode())


def metric_lines(metrics: Mapping[str, float]) -> List[str]:
    """Return the metrics as lines in two columns."""
    width = max(map(len, metrics), default=0)
    return [f"{name.ljust(width)}  {number(value):>10}" for name, value in metrics.items()]


def table(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> List[str]:
    """Return the columns `names` of `rows` as lines, with a line of names."""
    cells = [list(names), *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(names))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in cells]


def number(value: float) -> str:
    """Return a number with as many digits as tell something."""
    return f"{value:.4f}" if abs(value) < 10 and value != int(value) else f"{value:.6g}"


def _cell(value: object) -> str:
    return number(value) if isinstance(value, (int, float)) else str(value)
