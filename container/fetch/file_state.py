"""One file on its way: which chunks are written, who writes the others, and how far its digest has come."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from fetch.journal import Entry
from fetch.remote import RemoteFile

UNKNOWN_CRC = -1


class FileState:
    """The state of a file of known size; every change is made under the plan's lock.

    `epoch` grows when all that was written became worthless, so that work begun before counts no more.
    """

    def __init__(self, index: int, entry: Entry, path: Path, chunk_size: int) -> None:
        self.index = index
        self.remote: RemoteFile = entry.remote
        self.path = path
        self.size = entry.remote.size or 0
        self.chunk_size = chunk_size
        self.count = -(-self.size // chunk_size)
        self.crcs: Dict[int, int] = {n: crc for n, crc in entry.chunks.items() if n < self.count}
        self.suspect: Set[int] = set(self.crcs)
        """Chunks of an earlier process, read back first: its node may have died with them in memory."""
        self.taken: Set[int] = set()
        self.validator = entry.validator
        self.sha256: Optional[str] = entry.verified[0] if entry.verified else None
        self.epoch = 0
        self.ranged = True
        self.changes = 0
        self.mismatches = 0
        self.hashing = False
        self.next_free = 0
        self._reset_digest()

    @property
    def complete(self) -> bool:
        """Whether it is written, checked and on the disk."""
        return self.sha256 is not None

    @property
    def bytes_done(self) -> int:
        """Bytes that need not be fetched."""
        if self.complete:
            return self.size
        return sum(self.extent(chunk)[1] - self.extent(chunk)[0] for chunk in self.crcs)

    @property
    def free_bytes(self) -> int:
        """Bytes that nobody has written or is writing, to the chunk."""
        return (self.count - len(self.crcs) - len(self.taken)) * self.chunk_size

    def extent(self, chunk: int) -> Tuple[int, int]:
        """Return the offsets at which `chunk` starts and ends."""
        return chunk * self.chunk_size, min((chunk + 1) * self.chunk_size, self.size)

    def free_run(self, most: int) -> List[int]:
        """Return up to `most` neighbouring chunks, the first ones that nobody has written or is writing."""
        if not self.ranged:
            return list(range(self.count)) if not self.taken and len(self.crcs) < self.count else []
        run: List[int] = []
        for chunk in range(self.next_free, self.count):
            free = chunk not in self.crcs and chunk not in self.taken
            if not free and run:
                break
            if free:
                run.append(chunk)
            else:
                self.next_free = chunk + 1
            if len(run) == most:
                break
        return run

    def restart(self) -> None:
        """Forget everything written."""
        self.epoch += 1
        self.crcs, self.suspect, self.taken = {}, set(), set()
        self.validator = ""
        self.next_free = 0
        self._reset_digest()

    def forget(self, chunk: int) -> None:
        """Forget `chunk`, which is not on the disk as the journal says."""
        self.crcs.pop(chunk, None)
        self.suspect.discard(chunk)
        self.next_free = min(self.next_free, chunk)

    def stream_only(self) -> None:
        """Note that the server ignores ranges: one connection fetches the file from its start."""
        self.ranged = False
        self.epoch += 1
        self.taken = set()

    def _reset_digest(self) -> None:
        self.hashed = 0
        self.digest = hashlib.sha256()
        blob = f"blob {self.size}\0".encode("ascii")
        self.blob_digest: Optional[Any] = hashlib.sha1(blob) if self.remote.git_blob else None  # noqa: S324 (git's)
