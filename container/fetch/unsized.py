"""Files whose size no server tells before their end: one connection, from the start to the end."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from artifacts.storage import storing
from fetch.download import READ_BYTES
from fetch.rate import RateLimit
from fetch.remote import RemoteFile, Source
from fetch.retry import Retries, Retryable, attempt
from pod.exit_codes import TERMINATED, Fault


def fetch(
    source: Source, file: RemoteFile, path: Path, retries: Retries, limit: RateLimit, stop: threading.Event
) -> int:
    """Write `file` to `path` and return its size. Such a file cannot be resumed: each try begins anew.

    The answer that brings the file may tell the size that the one before did not.
    """

    def once() -> int:
        body = source.open(file, 0, None)
        try:
            with path.open("wb") as target:
                data = body.read(READ_BYTES)
                while data:
                    limit.take(len(data), stop)
                    target.write(data)
                    if stop.is_set():
                        raise Fault(TERMINATED, f"told to stop while fetching {file.path}")
                    data = body.read(READ_BYTES)
                if body.total is not None and target.tell() != body.total:
                    cause = f"the connection closed at byte {target.tell()} of {body.total}"
                    raise Retryable(f"{file.path}: {cause}")
                target.flush()
                os.fsync(target.fileno())
                return target.tell()
        finally:
            body.close()

    with storing(path):
        return attempt(once, retries, stop)
