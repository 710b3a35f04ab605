"""A directory on another volume that is mounted here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Optional

from artifacts import marker
from artifacts.marker import MARKER_NAME
from fetch.http import Client
from fetch.remote import Body, RemoteFile, Source
from fetch.retry import Retryable
from fetch.sources.fields import Fields
from pod.exit_codes import NOT_FOUND, UNSAFE_NAME, Fault


class Directory(Source):
    """A directory, checked by its marker if it is an artifact; else what comes first is recorded."""

    def __init__(self, fields: Fields, _client: Client) -> None:
        self._root = Path(fields.text("path"))
        self.label = f"directory {self._root}"

    def files(self) -> List[RemoteFile]:
        """List all regular files; links to files count as what they lead to."""
        if not self._root.is_dir():
            raise Fault(NOT_FOUND, f"{self.label} is not there: mount the volume that has it")
        made = marker.read(self._root)
        self.trusted = made is None
        digests = {file.path: file.sha256 for file in made.files} if made else {}
        return [self._file(path, digests) for path in sorted(self._root.rglob("*")) if self._counts(path)]

    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open a file at an offset."""
        return _Local(self._root / file.path, start)

    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source."""
        return {"kind": "directory", "path": str(self._root)}

    def _counts(self, path: Path) -> bool:
        if path.is_dir() or path == self._root / MARKER_NAME:
            return False
        if not path.is_file():
            raise Fault(
                UNSAFE_NAME, f"{self.label} has {path.relative_to(self._root)}, which is not a regular file"
            )
        return True

    def _file(self, path: Path, digests: Dict[str, Optional[str]]) -> RemoteFile:
        name = path.relative_to(self._root).as_posix()
        return RemoteFile(name, path.stat().st_size, sha256=digests.get(name))


class _Local(Body):
    def __init__(self, path: Path, start: int) -> None:
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise Retryable(f"cannot read {path}: {error.strerror}") from error
        self._file.seek(start)
        status = os.fstat(self._file.fileno())
        self.start, self.total = start, status.st_size
        self.validator = str(status.st_mtime_ns)

    def read(self, count: int) -> bytes:
        try:
            return self._file.read(count)
        except OSError as error:
            raise Retryable(f"cannot read {self._file.name}: {error.strerror}") from error

    def close(self) -> None:
        self._file.close()
