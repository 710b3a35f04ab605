"""Names from servers and archives, which may be hostile."""

from __future__ import annotations

from typing import Iterable, Set

from artifacts.marker import MARKER_NAME
from pod.exit_codes import UNSAFE_NAME, Fault


def safe(path: str) -> str:
    """Return `path` if it can only mean a file inside the target; `Fault` UNSAFE_NAME otherwise."""
    parts = path.split("/")
    reason = ""
    if not path or path.startswith("/") or "\\" in path:
        reason = "it is not a relative path with /"
    elif any(part in ("", ".", "..") for part in parts):
        reason = "it has an empty part, . or .."
    elif any(ord(character) < 32 for character in path):
        reason = "it has control characters"
    elif any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        reason = "it has a part of more than 255 bytes"
    elif parts[0].startswith(MARKER_NAME):
        reason = "that name is the marker's"
    if reason:
        raise Fault(UNSAFE_NAME, f"file name {path[:200]!r} is refused: {reason}")
    return path


def distinct(paths: Iterable[str]) -> None:
    """Check that no path is there twice or is a folder of another; `Fault` UNSAFE_NAME otherwise."""
    seen: Set[str] = set()
    for path in sorted(paths):
        folders = {"/".join(path.split("/")[:depth]) for depth in range(1, path.count("/") + 1)}
        if path in seen or folders & seen:
            raise Fault(UNSAFE_NAME, f"file name {path!r} is refused: another file is in its place")
        seen.add(path)
