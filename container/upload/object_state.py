"""How far one file of the artifact is."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

from artifacts.marker import ArtifactFile
from upload.payload import Span

MOST_PARTS = 10_000
"""Of one object (Amazon S3 user guide, "Amazon S3 multipart upload limits")."""


class ObjectState:
    """The object `key` that `file`, at `path`, becomes; parts are numbered from 1, as the store has it."""

    def __init__(self, file: ArtifactFile, path: Path, key: str, part_size: int) -> None:
        self.file = file
        self.path = path
        self.key = key
        self.part_size = max(part_size, -(-file.size // MOST_PARTS))
        self.count = max(1, -(-file.size // self.part_size))
        self.sha256 = file.sha256 or ""
        self.upload = ""
        self.resumed = False
        self.digests: Dict[int, str] = {}
        self.etags: Dict[int, str] = {}
        self.counted = 0
        self.verified = False
        self.finished = False

    @property
    def multipart(self) -> bool:
        """Whether it is sent in parts; small files are one request."""
        return self.count > 1

    def span(self, number: int) -> Span:
        """Return the bytes of a part."""
        start = (number - 1) * self.part_size
        return Span(self.path, start, min(self.part_size, self.file.size - start))
