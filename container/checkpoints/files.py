"""Files that are there whole or not at all, under temporary names that the next attempt writes over."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Iterable


def copy_file(source: Path, target: Path) -> None:
    """Copy `source` to `target`; its folder is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _partial(target)
    shutil.copyfile(str(source), str(temporary))
    publish(temporary, target)


def replace_text(target: Path, text: Iterable[str]) -> None:
    """Write the pieces of `text` to `target`, as UTF-8."""
    temporary = _partial(target)
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(text)
    publish(temporary, target)


def publish(temporary: Path, target: Path) -> None:
    """Make the finished file `temporary` durable and call it `target`."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")
