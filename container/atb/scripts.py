"""The vendor's scripts, run as the launcher runs ranks."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List, Mapping, Optional, Sequence

from pod.exit_codes import DONE
from pod.log import setup
from ranks import launch

# Ranks that copy the same remote code to one folder at the same time may import a half-written file.
_OWN_MODULES = 'export HF_MODULES_CACHE="$HF_MODULES_CACHE/rank-$RANK"; exec "$@"'


class Run:
    """Starts a script on each device, in a folder of its own below `folder`, and waits for all.

    Signals are passed on, and a failing script's last lines go to the termination message.
    """

    def __init__(self, name: str, folder: Path, devices: int = 1, grace: Optional[float] = None) -> None:
        self._name = name
        self._folder = folder
        self._devices = devices
        self._grace = [] if grace is None else ["--grace", f"{grace:g}"]

    def folder_of(self, rank: int) -> Path:
        """Return where a rank runs, and what it writes under relative names is."""
        return self._folder / f"rank_{rank}"

    def __call__(self, argv: Sequence[str], env: Mapping[str, str]) -> int:
        """Run `argv` with Python and return the exit code; `env` is the whole environment."""
        os.environ.clear()
        os.environ.update(env, HF_MODULES_CACHE=str(self._folder / "modules"))
        flags = ["--devices", str(self._devices), "--rank-env", "torch", "--work-dir", str(self._folder)]
        command = ["sh", "-c", _OWN_MODULES, "sh", sys.executable, *argv]
        code = launch.main([*flags, *self._grace, "--", *command])
        setup(self._name)
        return code


def done(code: int) -> bool:
    """Say whether a script succeeded."""
    return code == DONE


@contextmanager
def scratch(given: Optional[Path]) -> Iterator[Path]:
    """Give an empty folder for what only this process needs: `given`, emptied, or a temporary one."""
    folder = Path(tempfile.mkdtemp(prefix="atb-")) if given is None else given
    try:
        empty(folder)
        yield folder
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)


def empty(folder: Path) -> None:
    """Make `folder`, or remove all that is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    entries: List[Path] = list(folder.iterdir())
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        else:
            entry.unlink()
