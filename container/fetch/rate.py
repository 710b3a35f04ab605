"""A limit on bytes a second that all connections share."""

from __future__ import annotations

import threading
import time
from typing import Optional

SLOWEST = 1024.0


class RateLimit:
    """At most `bytes_per_second` over all threads; None is no limit."""

    def __init__(self, bytes_per_second: Optional[int]) -> None:
        self._rate = bytes_per_second
        self._lock = threading.Lock()
        self._free = time.monotonic()

    def piece(self, most: int, connections: int) -> int:
        """Return how many bytes to read at once so that the limit holds within a quarter of a second."""
        if self._rate is None:
            return most
        return max(1024, min(most, self._rate // (4 * connections)))

    def slowest(self, connections: int) -> float:
        """Return the bytes a second below which a connection counts as stalled."""
        return SLOWEST if self._rate is None else min(SLOWEST, self._rate / (4 * connections))

    def take(self, count: int, stop: threading.Event) -> None:
        """Wait until `count` more bytes fit the limit, or until `stop`."""
        if self._rate is None:
            return
        with self._lock:
            self._free = max(self._free, time.monotonic()) + count / self._rate
            wait = self._free - time.monotonic()
        if wait > 0:
            stop.wait(wait)
