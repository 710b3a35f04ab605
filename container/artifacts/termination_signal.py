"""SIGTERM and SIGINT as a flag that long work looks at."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Optional


def watch() -> threading.Event:
    """Install handlers for SIGTERM and SIGINT; the event that is returned is set when one arrives."""
    stopped = threading.Event()

    def handle(_number: int, _frame: Optional[FrameType]) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stopped
