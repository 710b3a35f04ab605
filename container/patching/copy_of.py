"""A copy of an artifact's files that costs almost no space where the volume can link."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Iterator, NamedTuple

from artifacts.marker import MARKER_NAME
from artifacts.storage import storing
from pod.exit_codes import BAD_SETTING, NOT_FOUND, Fault

LINKED_FROM = 16 * 1024 * 1024
"""Bytes. Smaller files are copied: a tool that writes code or settings in place must not reach the source."""

_PART = ".part"


class Copied(NamedTuple):
    """How many files the copy has, and how many of them share their bytes with the source."""

    files: int
    linked: int


def check_folders(source: Path, output: Path) -> None:
    """Raise a `Fault` unless `source` is a folder and `output` is apart from it."""
    if not source.is_dir():
        raise Fault(NOT_FOUND, f"--source {source} is not a folder; is the store mounted?")
    inside, outside = output.resolve(), source.resolve()
    if inside == outside or inside in outside.parents or outside in inside.parents:
        raise Fault(
            BAD_SETTING, f"--output {output} and --source {source} must be apart: neither in the other"
        )


def copy_files(source: Path, output: Path) -> Copied:
    """Bring every file of `source` to `output`, large ones as hard links where possible.

    What a killed run left is finished: a file is there under its name only when it is whole. Files of
    `output` that `source` has not, such as half copies, are removed.
    """
    with storing(output):
        wanted = set(_files(source))
        for name in list(_files(output)):
            if name not in wanted:
                (output / name).unlink()
        linked = sum(bring(source / name, output / name) for name in sorted(wanted))
        return Copied(len(wanted), linked)


def _files(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(str(folder)):
        for name in names:
            path = Path(place) / name
            if path.is_file() and name != MARKER_NAME:
                yield path.relative_to(folder).as_posix()


def bring(source: Path, target: Path) -> bool:
    """Put the file `source` at `target`, and say whether it is a link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    real = source.resolve()
    size = real.stat().st_size
    if size >= LINKED_FROM and target.is_file() and target.stat().st_size == size:
        return target.samefile(real)
    if size >= LINKED_FROM and _link(real, target):
        return True
    part = target.with_name(target.name + _PART)
    shutil.copyfile(str(real), str(part))
    part.replace(target)
    return False


def _link(source: Path, target: Path) -> bool:
    """Try a hard link; another mount, another owner and many network volumes refuse it."""
    part = target.with_name(target.name + _PART)
    try:
        if part.exists():
            part.unlink()
        os.link(str(source), str(part))
        part.replace(target)
    except OSError:
        return False
    return True
