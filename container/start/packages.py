"""The installed version of a Python package, read from its files: old images have no module that tells."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Optional, Sequence

_VERSION = re.compile(r"^Version:\s*(\S+)", re.MULTILINE)
_FOLDER = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(-py[\d.]+)?\.(dist|egg)-info")


def installed(name: str, folders: Optional[Sequence[str]] = None) -> Optional[str]:
    """Return the version of `name` in the first of `folders` (default: sys.path) that has it."""
    for folder in sys.path if folders is None else folders:
        for entry in sorted(Path(folder or ".").glob("*-info")):
            match = _FOLDER.fullmatch(entry.name)
            if match and plain(match.group("name")) == plain(name):
                return _written(entry) or match.group("version")
    return None


def plain(name: str) -> str:
    """Return `name` as package indexes compare it (packaging.python.org, "Name normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _written(entry: Path) -> Optional[str]:
    """Return the version that the package itself says: folder names spell `+` and `-` in other ways."""
    for path in (entry / "METADATA", entry / "PKG-INFO", entry):
        if path.is_file():
            match = _VERSION.search(path.read_text("utf-8", "replace"))
            return match.group(1) if match else None
    return None
