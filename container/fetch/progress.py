"""How far the download is, for `kubectl logs` and for the pods that wait."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Callable, Deque, Tuple

from pod.amounts import duration, size

log = logging.getLogger("fetch_weights")

WINDOW_SECONDS = 30.0


@dataclass(frozen=True)
class Moment:
    """Bytes done and in all, bytes a second of late, seconds left (-1 if unknown), and a file on its way."""

    done: int
    total: int
    rate: float
    left: float
    file: str

    @property
    def percent(self) -> float:
        """Share of the bytes that are there, 0 to 100."""
        return 100.0 * self.done / self.total if self.total else 100.0

    def line(self) -> str:
        """Return the plain line."""
        left = "time left unknown" if self.left < 0 else f"{duration(self.left)} left"
        amount = f"{size(self.done)} of {size(self.total)}, {size(self.rate)}/s"
        return f"{self.percent:.1f} %, {amount}, {left}, {self.file or 'checking'}"

    def json(self) -> str:
        """Return the JSON line."""
        fields = {
            "percent": round(self.percent, 1),
            "bytes": self.done,
            "totalBytes": self.total,
            "bytesPerSecond": round(self.rate),
            "secondsLeft": round(self.left, 1),
            "file": self.file,
        }
        return json.dumps(fields, ensure_ascii=False)


class Meter:
    """Turns byte counts into moments; the rate is that of the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: Deque[Tuple[float, int]] = deque()

    def moment(self, done: int, total: int, file: str) -> Moment:
        """Return the moment now."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        rate = max(0.0, (done - before) / (now - since)) if now > since else 0.0
        left = (total - done) / rate if rate else -1.0
        return Moment(done, total, rate, left, file)


def show(moment: Moment, form: str) -> None:
    """Write `moment` to stdout: `plain` is a log line, `json` a line of JSON."""
    if form == "json":
        sys.stdout.write(moment.json() + "\n")
        sys.stdout.flush()
    else:
        log.info("%s", moment.line())
