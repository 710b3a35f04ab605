"""Files whose size no server tells before their end: one connection, from the start to the end."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from artifacts.storage import storing
from fetch.download import READ_BYTES
from fetch.rate import RateLimit
from fetch.remote import RemoteFile, Source
from fetch.retry import Retries, attempt


def fetch(
    source: Source, file: RemoteFile, path: Path, retries: Retries, limit: RateLimit, stop: threading.Event
) -> int:
    """Write `file` to `path` and return its size. Such a file cannot be resumed: each try begins anew."""

    def once() -> int:
        body = source.open(file, 0, None)
        try:
            with path.open("wb") as target:
                data = body.read(READ_BYTES)
                while data and not stop.is_set():
                    limit.take(len(data), stop)
                    target.write(data)
                    data = body.read(READ_BYTES)
                target.flush()
                os.fsync(target.fileno())
                return target.tell()
        finally:
            body.close()

    with storing(path):
        return attempt(once, retries, stop)
