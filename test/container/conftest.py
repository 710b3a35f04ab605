"""Fixtures that every suite of container scripts shares."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
    # The scripts sync what they write; on a disk that others use too, that makes times meaningless.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

CONTAINER = Path(__file__).resolve().parents[2] / "container"
sys.path.insert(0, str(CONTAINER))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from support.faulty_server import FaultyServer  # noqa: E402 (found through the path above)
from support.fetching import Fetching  # noqa: E402
from support.script import Script  # noqa: E402


def _pyenv_pythons() -> list[tuple[tuple[int, ...], Path]]:
    """Interpreters of pyenv that are at least 3.7, oldest first."""
    found = []
    for python in Path.home().glob(".pyenv/versions/*/bin/python"):
        match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", python.parents[1].name)
        version = tuple(int(part) for part in match.groups()) if match else (0,)
        if version >= (3, 7):
            found.append((version, python))
    return sorted(found)


@pytest.fixture(scope="session")
def python() -> str:
    """The oldest Python to be had: $PYTHON_UNDER_TEST, else pyenv's oldest from 3.7 on, else this one."""
    given = os.environ.get("PYTHON_UNDER_TEST")
    if given:
        return given
    oldest = _pyenv_pythons()
    return str(oldest[0][1]) if oldest else sys.executable


@pytest.fixture(scope="session")
def container() -> Path:
    """The folder `container/`, where the entry files are."""
    return CONTAINER


@pytest.fixture
def server():
    """Return a running local server without routes."""
    with FaultyServer().running() as running:
        yield running


@pytest.fixture
def fetching(python: str, container: Path, tmp_path: Path) -> Fetching:
    """Return fetch_weights.py for a target on a volume of its own."""
    return Fetching(Script(python, container, "fetch_weights", tmp_path), tmp_path)
