"""Notes each checkpoint of a rank once it is finished, while the rank's script runs in the same process."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Dict, Iterator, Optional, Set, Tuple, Type

from training.options import NAME, Place
from training.steps import NAME as CHECKPOINT
from training.steps import NOTES, Note, write_note

LOOK_SECONDS = 1.0

_State = Tuple[int, int, int]
"""Inode, size and time of change."""


class Recorder:
    """Looks at `folder` every second, and once more at the end.

    A file is finished when nothing of our session has it open and it has not changed between two looks; once
    the script is done, the first will do. MindSpore takes away the right to write a file when all of it is
    written, so with MindSpore that is what counts: a file at which it failed is closed and at rest as well.
    """

    def __init__(self, folder: Path, place: Place, run: int) -> None:
        self._folder = folder
        self._place = place
        self._run = run
        self._order = 0
        self._seen: Dict[str, _State] = {}
        self._noted: Dict[str, _State] = {}
        self._log = logging.getLogger(NAME)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="recorder", daemon=True)

    def __enter__(self) -> Recorder:
        self._adopt()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._stop.set()
        self._thread.join()
        if kind is None or "mindspore" in sys.modules:
            self._try(last=True)

    def _adopt(self) -> None:
        """Take what earlier runs left as seen: only their notes say whether it is finished."""
        self._noted = dict(self._files())

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._try(last=False)

    def _try(self, last: bool) -> None:
        try:
            self._look(last)
        except OSError as error:
            self._log.warning("cannot note the checkpoints of %s: %s", self._folder, error)

    def _look(self, last: bool) -> None:
        files = dict(self._files())
        for name in self._noted.keys() - files.keys():
            self._withdraw(name)
        changed = {name: state for name, state in files.items() if self._noted.get(name) != state}
        written = open_files() if changed else set()
        for name, state in sorted(changed.items(), key=lambda item: item[1][2]):
            if name in self._noted:
                self._withdraw(name)
            unchanged = last or self._seen.get(name) == state
            if self._is_whole(name, unchanged) and str((self._folder / name).resolve()) not in written:
                self._note(name, state)
        self._seen = files

    def _files(self) -> Iterator[Tuple[str, _State]]:
        for path in self._folder.glob("*.ckpt"):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if CHECKPOINT.fullmatch(path.name):
                    yield path.name, (status.st_ino, status.st_size, status.st_mtime_ns)

    def _is_whole(self, name: str, unchanged: bool) -> bool:
        status = (self._folder / name).stat()
        read_only = not status.st_mode & stat.S_IWUSR
        return status.st_size > 0 and (read_only if "mindspore" in sys.modules else unchanged)

    def _note(self, name: str, state: _State) -> None:
        match = CHECKPOINT.fullmatch(name)
        if match is None:
            return
        _sync(self._folder / name)
        self._order += 1
        epoch, step = int(match.group(1)), int(match.group(2))
        note = Note(name, state[1], epoch, step, self._run, self._order, self._place.ranks)
        write_note(self._folder, note)
        self._noted[name] = state
        self._log.info("rank %d has finished epoch %d step %d: %s", self._place.rank, epoch, step, name)

    def _withdraw(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self._folder / NOTES / name).unlink()
        self._noted.pop(name, None)


def open_files() -> Set[str]:
    """Return the paths that a process of our session has open: data loaders and savers may be processes."""
    session = os.getsid(0)
    found: Set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getsid(int(process.name)) == session:
                found.update(_descriptors(process / "fd"))
    return found


def _descriptors(folder: Path) -> Iterator[str]:
    for descriptor in folder.iterdir():
        with contextlib.suppress(OSError):
            yield os.readlink(str(descriptor))


def _sync(path: Path) -> None:
    """Have the file's bytes on the disk before its note."""
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
