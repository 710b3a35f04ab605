"""One writer at a time for an artifact's directory, among pods that share nothing but the volume.

The lease of `<directory>` is the folder `<directory>.lease` with numbered files. The holder is whoever
created the file with the highest number, which O_CREAT|O_EXCL gives to one pod only, on NFS too (open(2):
"O_EXCL is supported on NFS since NFSv3"). The holder writes a counter into its file. A waiter that sees the
bytes unchanged for `takeover` seconds of its own monotonic clock creates the next number: of several
waiters one wins, and an old holder that wakes up finds a higher number than its own. No clock of one node
is ever compared with that of another, and no file lock is used.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Callable, List, Optional, Tuple, Type

RECORD_BYTES = 1024
"""Records are padded to this size: a heartbeat overwrites in place and needs no new block on a full disk."""

TEXT_BYTES = 200

POLL_SECONDS = 1.0

log = logging.getLogger("lease")


@dataclass(frozen=True)
class LeaseState:
    """What a waiter sees: the holder, the holder's last note, and the seconds since a sign of life."""

    holder: str
    note: str
    unchanged: float


class Lease:
    """The lease of `directory` for `holder`, a name for logs.

    `heartbeat` is the seconds between two signs of life. `takeover` is the seconds without one after which
    a waiter takes the lease, and after which a holder that could not renew considers it lost; keep it
    several heartbeats long.
    """

    def __init__(self, directory: Path, holder: str, heartbeat: float = 10.0, takeover: float = 60.0) -> None:
        self._folder = directory.with_name(f"{directory.name}.lease")
        self._holder = _cut(holder)
        self._heartbeat = heartbeat
        self._takeover = takeover
        self._token = uuid.uuid4().hex
        self._generation = 0
        self._counter = 0
        self._note = ""
        self._renewed = 0.0
        self._lost = False
        self._wake = threading.Event()
        self._thread: Optional[threading.Thread] = None

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.release()

    @property
    def lost(self) -> bool:
        """Whether another holder took over, or nobody can know because renewing has failed for too long."""
        overdue = self._generation > 0 and time.monotonic() - self._renewed > self._takeover
        return self._lost or overdue

    def note(self, text: str) -> None:
        """Set the line that waiters see with the next heartbeat, such as the progress."""
        self._note = _cut(text)

    def confirm(self) -> bool:
        """Look at the volume, before a step that only the holder may take: True while the lease is ours."""
        if not self.lost and self._generation != _highest(self._folder):
            self._lost = True
        return not self.lost

    def acquire(self, on_wait: Callable[[LeaseState], None], stop: Callable[[], bool]) -> bool:
        """Wait for the lease; True once it is ours, False as soon as `stop()` says so.

        `on_wait` is called at every look, about once a second, with what is seen.
        """
        seen: Tuple[int, bytes] = (-1, b"")
        since = time.monotonic()
        while not stop():
            generation = _highest(self._folder)
            record = _read(self._folder, generation)
            if (generation, record) != seen:
                seen, since = (generation, record), time.monotonic()
            unchanged = time.monotonic() - since
            if (_is_free(generation, record) or unchanged > self._takeover) and self._create(generation + 1):
                return True
            on_wait(_state(record, unchanged))
            time.sleep(min(POLL_SECONDS, self._heartbeat))
        return False

    def release(self, finished: bool = False) -> None:
        """Give the lease back; `finished` removes its files, right only once the marker is written."""
        if self._thread is not None:
            self._wake.set()
            self._thread.join()
            self._thread = None
        if self._generation == 0:
            return
        try:
            self._give_back(finished)
        except OSError as error:
            log.warning("cannot release the lease %s, it will expire: %s", self._folder, error)
        self._generation = 0

    def _give_back(self, finished: bool) -> None:
        if not self.confirm():
            return
        self._write(released=True)
        if finished:
            _remove_all(self._folder)

    def _create(self, generation: int) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / str(generation)
        try:
            descriptor = os.open(str(path), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except (FileExistsError, FileNotFoundError):
            return False
        os.close(descriptor)
        if _highest(self._folder) != generation:
            # The look at the folder was an old one: this number had been used up and its file removed since.
            _unlink(path)
            return False
        self._generation, self._counter, self._lost = generation, 0, False
        self._write()
        _remove_below(self._folder, generation)
        self._wake.clear()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()
        return True

    def _renew(self) -> None:
        while not self._wake.wait(self._heartbeat) and not self.lost:
            try:
                if self.confirm():
                    self._write()
            except OSError as error:
                log.warning("cannot renew the lease %s: %s", self._folder, error)

    def _write(self, released: bool = False) -> None:
        started = time.monotonic()
        self._counter += 1
        record = {
            "holder": self._holder,
            "token": self._token,
            "counter": self._counter,
            "note": self._note,
            "released": released,
        }
        data = json.dumps(record, ensure_ascii=False).encode("utf-8").ljust(RECORD_BYTES - 1) + b"\n"
        descriptor = os.open(str(self._folder / str(self._generation)), os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._renewed = started


def _cut(text: str) -> str:
    """Return as much of `text` as fits a record beside the rest, even if JSON escapes all of it."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain.encode("utf-8", "replace")[:TEXT_BYTES].decode("utf-8", "ignore")


def _generations(folder: Path) -> List[int]:
    try:
        return sorted(int(name) for name in os.listdir(str(folder)) if name.isdigit())
    except FileNotFoundError:
        return []


def _highest(folder: Path) -> int:
    return (_generations(folder) or [0])[-1]


def _read(folder: Path, generation: int) -> bytes:
    try:
        return (folder / str(generation)).read_bytes()
    except OSError:
        return b""


def _is_free(generation: int, record: bytes) -> bool:
    return generation == 0 or bool(_parse(record).get("released"))


def _parse(record: bytes) -> dict:  # type: ignore[type-arg]  # whatever JSON a torn write left
    try:
        data = json.loads(record.decode("utf-8"))
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _state(record: bytes, unchanged: float) -> LeaseState:
    data = _parse(record)
    return LeaseState(str(data.get("holder", "unknown")), str(data.get("note", "")), unchanged)


def _remove_below(folder: Path, generation: int) -> None:
    for older in _generations(folder):
        if older < generation:
            _unlink(folder / str(older))


def _remove_all(folder: Path) -> None:
    for name in os.listdir(str(folder)):
        _unlink(folder / name)
    try:
        folder.rmdir()
    except OSError:
        return


def _unlink(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        return
