"""Signals to the launcher, as something that a select loop can wait for."""

from __future__ import annotations

import contextlib
import os
import signal
from types import TracebackType
from typing import List, Optional, Type


class Signals:
    """Records SIGTERM, SIGINT and SIGHUP and wakes a select loop for them, for SIGCHLD and for `wake`.

    For the main thread, from entry to exit.
    """

    def __init__(self) -> None:
        self.received: List[int] = []
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)

    def __enter__(self) -> Signals:
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._record)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def fileno(self) -> int:
        """Return the descriptor that becomes readable, for a selector."""
        return self._reader

    def wake(self) -> None:
        """Wake the loop; may be called by any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def clear(self) -> None:
        """Take the wake-ups that are there."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def stopped(self) -> bool:
        """Whether somebody told us to stop."""
        return bool(self.received)

    def _record(self, number: int, frame: object) -> None:
        self.received.append(number)
