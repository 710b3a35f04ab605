"""The body of a request: a span of a local file, read anew for each try."""

from __future__ import annotations

import errno
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

from fetch.rate import RateLimit
from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, TERMINATED, TRANSIENT, Fault

BLOCK_BYTES = 128 * 1024


@dataclass(frozen=True)
class Span:
    """`size` bytes of the file `path` from the offset `start`."""

    path: Path
    start: int
    size: int

    def blocks(self, most: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Yield the bytes, at most `most` at once; `Fault` if they cannot be read or are not there."""
        left = self.size
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self.start)
                while left:
                    data = file.read(min(most, left))
                    if not data:
                        raise Fault(BAD_ARTIFACT, f"{self.path} became shorter while it was read")
                    left -= len(data)
                    yield data
        except OSError as error:
            raise _unreadable(self.path, error) from error


class Payload:
    """A span on its way. `moved` is told of bytes sent, and of those taken back because a try failed."""

    def __init__(
        self,
        span: Span,
        limit: RateLimit,
        connections: int,
        moved: Callable[[int], None],
        stop: threading.Event,
    ) -> None:
        self._span = span
        self._limit = limit
        self._most = limit.piece(BLOCK_BYTES, connections)
        self._moved = moved
        self._stop = stop
        self._sent = 0
        self.size = span.size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes from the start, as the limit allows; `Fault` TERMINATED once told to stop."""
        self.take_back()
        for data in self._span.blocks(self._most):
            self._limit.take(len(data), self._stop)
            if self._stop.is_set():
                raise Fault(TERMINATED, "told to stop")
            self._sent += len(data)
            self._moved(len(data))
            yield data

    def take_back(self) -> None:
        """Count as not sent what was sent so far."""
        self._moved(-self._sent)
        self._sent = 0


def _unreadable(path: Path, error: OSError) -> Fault:
    cause = error.strerror or str(error)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Fault(BAD_SETTING, f"cannot read {path}: {cause}; run this pod as the user that wrote it")
    if error.errno == errno.ENOENT:
        return Fault(BAD_ARTIFACT, f"cannot read {path}: {cause}; its marker says that it is there")
    return Fault(TRANSIENT, f"cannot read {path}: {cause}")
