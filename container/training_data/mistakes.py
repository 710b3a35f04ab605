"""Mistakes in data, collected so that one run names more than the first."""

from __future__ import annotations

from pathlib import Path
from typing import List

from pod.exit_codes import BAD_ARTIFACT, Fault

SHOWN = 5


class Mistakes:
    """The mistakes of one file, by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: List[str] = []
        self._count = 0

    def add(self, line: int, mistake: str) -> None:
        """Note `mistake` in line `line`, counted from 1."""
        self._count += 1
        if len(self._found) < SHOWN:
            self._found.append(f"{self._path}:{line}: {mistake}")

    def end(self) -> None:
        """Raise what was noted as a `Fault` (BAD_ARTIFACT)."""
        if self._count:
            more = f"; and {self._count - SHOWN} more" if self._count > SHOWN else ""
            raise Fault(BAD_ARTIFACT, "; ".join(self._found) + more)
