"""The manifest: the marker with every digest, the object that is written last."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Dict, Mapping

from artifacts.marker import Marker
from pod.exit_codes import BAD_MANIFEST, TERMINATED, Fault
from upload.payload import Span

READ_BYTES = 1 << 20

_IDENTITY = ("name", "lineage", "format")


def dump(made: Marker, digests: Mapping[str, str]) -> bytes:
    """Return the manifest of the artifact `made`, whose files have the sha256 `digests` by path."""
    files = tuple(replace(file, sha256=digests[file.path]) for file in made.files)
    text = json.dumps(asdict(replace(made, files=files)), ensure_ascii=False, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def parse(data: bytes, place: str) -> Dict[str, Any]:
    """Return the manifest `data` found at `place`; `Fault` BAD_MANIFEST if it is none."""
    try:
        found: Dict[str, Any] = json.loads(data)
        _files(found)
        return found
    except (ValueError, KeyError, TypeError) as error:
        raise Fault(
            BAD_MANIFEST,
            f"the manifest of {place} cannot be read ({type(error).__name__}: {error}); "
            "remove it, or give another --prefix",
        ) from error


def same(found: Mapping[str, Any], made: Marker, directory: Path, stop: threading.Event) -> bool:
    """Whether the manifest `found` is that of the artifact `made` in `directory`.

    Files whose digest the marker does not know are read, unless both were made at the same time.
    """
    there = _files(found)
    if any(found.get(name) != getattr(made, name) for name in _IDENTITY):
        return False
    if {path: size for path, (size, _) in there.items()} != {file.path: file.size for file in made.files}:
        return False
    for file in made.files:
        digest = file.sha256
        if digest is None and found.get("created") != made.created:
            digest = _sha256(Span(directory / file.path, 0, file.size), stop)
        if digest not in (None, there[file.path][1]):
            return False
    return True


def _files(found: Mapping[str, Any]) -> Dict[str, Any]:
    return {str(file["path"]): (int(file["size"]), file["sha256"]) for file in found["files"]}


def _sha256(span: Span, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    for data in span.blocks(READ_BYTES):
        if stop.is_set():
            raise Fault(TERMINATED, "told to stop")
        digest.update(data)
    return digest.hexdigest()
