"""A folder for a tool that wants to write beside its input: in the output's directory, gone at the end."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Iterator

NAME = ".work"


@contextlib.contextmanager
def work_folder(output: Path) -> Iterator[Path]:
    """Give an empty folder on the output's volume; what an interrupted run left there is removed first."""
    folder = output / NAME
    shutil.rmtree(str(folder), ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(str(folder))


def move_into(output: Path, files: Iterator[Path]) -> int:
    """Move `files` to the top of `output`, over what an interrupted run left; how many they were."""
    count = 0
    for file in files:
        file.replace(output / file.name)
        count += 1
    return count
