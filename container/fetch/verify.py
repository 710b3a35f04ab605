"""A finished artifact hashed again, several files at once."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, Optional, Sequence

from artifacts.marker import ArtifactFile, Marker
from artifacts.storage import storing
from fetch.digest import READ_BYTES
from pod.exit_codes import TERMINATED, Fault

PARALLEL = 4


def damaged(directory: Path, made: Marker, stop: threading.Event) -> Optional[str]:
    """Say which file of `directory` is not what its marker `made` says; None if all are right.

    Files whose digest nobody recorded are not read. `Fault` TERMINATED once `stop` is set.
    """

    def check(file: ArtifactFile) -> Optional[str]:
        if file.sha256 is None:
            return None
        found = _sha256(directory / file.path, stop)
        return (
            None if found == file.sha256 else f"{file.path} has sha256 {found}, its marker says {file.sha256}"
        )

    with ThreadPoolExecutor(PARALLEL) as pool:
        return next((problem for problem in pool.map(check, made.files) if problem), None)


def _sha256(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(READ_BYTES))
    with storing(path), path.open("rb", buffering=0) as file:
        count = file.readinto(buffer)
        while count:
            if stop.is_set():
                raise Fault(TERMINATED, f"told to stop while checking {path}")
            digest.update(buffer[:count])
            count = file.readinto(buffer)
    return digest.hexdigest()


def digests(directory: Path, paths: Sequence[str], stop: threading.Event) -> List[ArtifactFile]:
    """Return the files at `paths` in `directory` with sizes and digests, in that order, synced to disk."""

    def read(path: str) -> ArtifactFile:
        file = directory / path
        sha256 = _sha256(file, stop)
        with storing(file), file.open("rb") as opened:
            os.fsync(opened.fileno())
        return ArtifactFile(path, file.stat().st_size, sha256)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(read, paths))
