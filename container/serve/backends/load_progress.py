"""How far a load is, told from the memory that the process has taken for the weights."""

from __future__ import annotations

import resource
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from serve.backend import Progress

_EVERY_SECONDS = 1.0
_BEGUN, _READ = 0.05, 0.9  # of the whole load; what remains is the way to the device
_SUFFIXES = (".bin", ".safetensors", ".ckpt")


@contextmanager
def watching(folder: Path, progress: Progress) -> Iterator[None]:
    """Report once a second, while the body reads the weights of `folder`, what share of them is in memory."""
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in _SUFFIXES) or 1
    before = _resident()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_EVERY_SECONDS):
            share = min(1.0, max(0.0, (_resident() - before) / total))
            progress(_BEGUN + (_READ - _BEGUN) * share, "reading the weights")

    progress(_BEGUN, "reading the weights")
    watcher = threading.Thread(target=look, name="load-progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
