"""That the command of an output has ended well, for a task of many pods.

Pod 0 alone writes the marker, after the pods have ended together. If it dies in between, the others are
Complete and never come back, so its successor must not run the command again, which would wait for them.
The record lies in the folder of the output's lease and goes with it.
"""

from __future__ import annotations

from pathlib import Path

from artifacts.durable import replace_file

NAME = "ended"


def record(output: Path) -> None:
    """Note that the command of `output` ended with 0; there after a power cut, too."""
    path = _path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, b"0\n")


def recorded(output: Path) -> bool:
    """Whether the command of `output` ended with 0."""
    return _path(output).is_file()


def forget(output: Path) -> None:
    """Remove the record, where what the command left turned out to be wrong."""
    path = _path(output)
    if path.is_file():
        path.unlink()


def _path(output: Path) -> Path:
    return output.with_name(f"{output.name}.lease") / NAME
