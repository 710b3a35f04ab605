"""What a source offers: files with what is known of them, and their bytes from any offset."""

from __future__ import annotations

import abc
from dataclasses import dataclass, replace
from typing import Dict, List, Optional

from pod.exit_codes import BAD_MANIFEST, Fault


@dataclass(frozen=True)
class RemoteFile:
    """One file of a source.

    `path` is relative with `/`. `size` is in bytes, None if the source does not say. `sha256` and
    `git_blob` (the SHA-1 that git names the content by) are lower-case hex, None where the source does not
    know them. `locator` is what the source itself needs to open the file.
    """

    path: str
    size: Optional[int] = None
    sha256: Optional[str] = None
    git_blob: Optional[str] = None
    locator: str = ""

    @property
    def has_digest(self) -> bool:
        """Whether the content can be checked against the source's word."""
        return self.sha256 is not None or self.git_blob is not None


class Body(abc.ABC):
    """Bytes on their way: `start` is the offset of the first, `total` the file's size if the server said."""

    start: int = 0
    total: Optional[int] = None
    validator: str = ""
    """What changes when the file changes (strong ETag, else Last-Modified); "" if unknown."""

    ranged: bool = True
    """False if the server sends the whole file although a range was asked for."""

    @abc.abstractmethod
    def read(self, count: int) -> bytes:
        """Return at most `count` bytes as soon as some are there; b"" at the end."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the connection; it is used again if everything was read."""


class Source(abc.ABC):
    """A place that has the files of one artifact."""

    label: str = ""
    """For logs and errors, without secrets."""

    trusted: bool = False
    """Whether what comes the first time is taken for right and recorded."""

    @abc.abstractmethod
    def files(self) -> List[RemoteFile]:
        """List everything there is, before any pattern."""

    @abc.abstractmethod
    def open(self, file: RemoteFile, start: int, end: Optional[int]) -> Body:
        """Open `file` from `start` up to `end` (exclusive; None is the end of the file).

        A server that ignores ranges gives a body that starts at 0.
        """

    @abc.abstractmethod
    def record(self) -> Dict[str, str]:
        """Return what the marker says of the source; never a secret."""


def merged(one: RemoteFile, other: RemoteFile, labels: str) -> RemoteFile:
    """Return `other` with all that `one` knows of the same path; `Fault` BAD_MANIFEST if they disagree."""
    for field in ("size", "sha256", "git_blob"):
        known, told = getattr(one, field), getattr(other, field)
        if known is not None and told is not None and known != told:
            raise Fault(
                BAD_MANIFEST,
                f"{labels} disagree on {one.path}: {field} is {known} and {told}; "
                "pin both to the same revision, or leave one out",
            )
    return replace(
        other,
        size=one.size if other.size is None else other.size,
        sha256=other.sha256 or one.sha256,
        git_blob=other.git_blob or one.git_blob,
    )
