"""The marker: the file that is written last and makes a directory a finished, immutable artifact."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from artifacts.durable import replace_file
from pod.exit_codes import BAD_MANIFEST, Fault

MARKER_NAME = ".cdk8s-chatglm.json"
VERSION = 1


@dataclass(frozen=True)
class ArtifactFile:
    """One file of an artifact.

    `path` is relative with `/`, `size` in bytes, `sha256` in lower-case hex or None where nobody computed it.
    """

    path: str
    size: int
    sha256: Optional[str] = None


@dataclass(frozen=True)
class Marker:
    """What an artifact is: its name, lineage and format, what made it (never a secret) and its files."""

    name: str
    lineage: str
    format: str
    files: Tuple[ArtifactFile, ...] = ()
    source: Dict[str, Any] = field(default_factory=dict)
    created: str = ""
    version: int = VERSION


def now() -> str:
    """Return the UTC time in ISO 8601, for `Marker.created`; people read it, nothing compares it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def read(directory: Path) -> Optional[Marker]:
    """Return the marker of `directory`, None if it has none; `Fault` BAD_MANIFEST if it makes no sense."""
    path = directory / MARKER_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _from_json(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise Fault(
            BAD_MANIFEST,
            f"marker {path} cannot be read ({cause}); expected JSON of version {VERSION}: "
            f"remove the directory {directory} to have it made again",
        ) from error


def write(directory: Path, marker: Marker) -> None:
    """Write `marker` into `directory` so that it is there whole, also after a power cut, or not at all."""
    data = asdict(marker)
    data["created"] = marker.created or now()
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    replace_file(directory / MARKER_NAME, text.encode("utf-8"))


def missing(directory: Path, marker: Marker) -> Optional[str]:
    """Say which file of `marker` is absent or has another size; None if all are there.

    One `stat` a file, no reading: under a second for any model.
    """
    for file in marker.files:
        try:
            size = os.stat(str(directory / file.path)).st_size  # noqa: PTH116 (one call less than Path on a slow NFS)
        except OSError as error:
            return f"{file.path} cannot be found ({error.strerror})"
        if size != file.size:
            return f"{file.path} has {size} bytes, its marker says {file.size}"
    return None


def _from_json(data: Dict[str, Any]) -> Marker:
    if data["version"] != VERSION:
        raise ValueError(f"version is {data['version']!r}")
    files = tuple(ArtifactFile(str(f["path"]), int(f["size"]), f.get("sha256")) for f in data["files"])
    return Marker(
        name=str(data["name"]),
        lineage=str(data["lineage"]),
        format=str(data["format"]),
        files=files,
        source=dict(data.get("source") or {}),
        created=str(data.get("created", "")),
    )
