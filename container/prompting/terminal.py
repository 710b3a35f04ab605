"""The person at the other end of `kubectl attach -it`."""

from __future__ import annotations

import os
import select
import sys
import time
from typing import Callable, Optional

_LOOK_SECONDS = 0.2
_MOST_BYTES = 65536


class ClosedError(Exception):
    """There will be no more input."""


class Terminal:
    """Lines in, text out. `over` is looked at while waiting for a line."""

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over
        self._input = sys.stdin.fileno()
        self._unread = b""
        self._closed = False

    def line(self, timeout: float) -> Optional[str]:
        """Return the next line; None after `timeout` seconds without one, or when it is over."""
        limit = time.monotonic() + timeout
        while b"\n" not in self._unread:
            if self._closed or len(self._unread) > _MOST_BYTES:
                return self._last()
            if self._over() or time.monotonic() >= limit:
                return None
            if select.select([self._input], [], [], _LOOK_SECONDS)[0]:
                self._read()
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode("utf-8", "replace").strip()

    def show(self, text: str) -> None:
        """Write text at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def _read(self) -> None:
        data = os.read(self._input, 4096)
        self._unread += data
        self._closed = not data

    def _last(self) -> str:
        if not self._unread:
            raise ClosedError
        line, self._unread = self._unread, b""
        return line.decode("utf-8", "replace").strip()
