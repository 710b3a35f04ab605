"""What is on the disk already, so that a killed process loses no more than the chunks in flight.

The first line says which files the journal is about. Each further line is one event, appended by one write:
`c FILE CHUNK CRC32` (a chunk is written), `d FILE` (its chunks are worthless), `t FILE VALIDATOR` (the
server's tag), `v FILE SHA256 SIZE` (complete, synced and checked). A line that a kill cut short is ignored.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from artifacts.durable import replace_file
from fetch.remote import RemoteFile

VERSION = 1


@dataclass
class Entry:
    """What the journal knows of one file: the CRC-32 of each written chunk; sha256 and size when verified."""

    remote: RemoteFile
    chunks: Dict[int, int] = field(default_factory=dict)
    verified: Optional[Tuple[str, int]] = None
    validator: str = ""


class Journal:
    """An append-only file. Events may come from several threads, also after `close`: those are not kept."""

    def __init__(self, path: Path, chunk_size: int, entries: Sequence[Entry]) -> None:
        self.chunk_size = chunk_size
        self.entries = list(entries)
        replace_file(path, _text(chunk_size, self.entries).encode("utf-8"))
        self._descriptor: Optional[int] = os.open(str(path), os.O_WRONLY | os.O_APPEND)
        self._lock = threading.Lock()

    def chunk(self, file: int, chunk: int, crc: int) -> None:
        """Record that `chunk` of `file` is written."""
        self._append(f"c {file} {chunk} {crc:08x}")

    def drop(self, file: int) -> None:
        """Record that nothing written of `file` counts any more."""
        self._append(f"d {file}")

    def validator(self, file: int, value: str) -> None:
        """Record the server's tag of `file`."""
        self._append(f"t {file} {json.dumps(value)}")

    def verified(self, file: int, sha256: str, size: int) -> None:
        """Record that `file` is complete and checked; durable on return."""
        self._append(f"v {file} {sha256} {size}", durable=True)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None

    def _append(self, line: str, durable: bool = False) -> None:
        with self._lock:
            if self._descriptor is None:
                return
            os.write(self._descriptor, (line + "\n").encode("utf-8"))
            if durable:
                os.fsync(self._descriptor)


def read(path: Path) -> Tuple[Optional[int], List[Entry]]:
    """Return the chunk size and the entries of the journal at `path`; None and nothing if there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        header = json.loads(lines[0])
        if header["version"] != VERSION:
            return None, []
        entries = [Entry(_remote(file)) for file in header["files"]]
        chunk_size = int(header["chunkSize"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, []
    for line in lines[1:-1]:
        _apply(entries, line)
    return chunk_size, entries


def _remote(data: Dict[str, Any]) -> RemoteFile:
    return RemoteFile(str(data["path"]), data["size"], data["sha256"], data["gitBlob"])


def _apply(entries: List[Entry], line: str) -> None:
    """Apply one event; one that makes no sense is skipped, which costs a chunk and never correctness."""
    kind, _, rest = line.partition(" ")
    try:
        number, _, value = rest.partition(" ")
        entry = entries[int(number)]
        if kind == "c":
            chunk, crc = value.split(" ")
            entry.chunks[int(chunk)] = int(crc, 16)
        elif kind == "d":
            entry.chunks, entry.verified, entry.validator = {}, None, ""
        elif kind == "t":
            entry.validator = str(json.loads(value))
        elif kind == "v":
            sha256, size = value.split(" ")
            entry.verified = (sha256, int(size))
    except (ValueError, IndexError):
        return


def _text(chunk_size: int, entries: Sequence[Entry]) -> str:
    files = [
        {
            "path": e.remote.path,
            "size": e.remote.size,
            "sha256": e.remote.sha256,
            "gitBlob": e.remote.git_blob,
        }
        for e in entries
    ]
    lines = [json.dumps({"version": VERSION, "chunkSize": chunk_size, "files": files}, ensure_ascii=False)]
    for number, entry in enumerate(entries):
        if entry.validator:
            lines.append(f"t {number} {json.dumps(entry.validator)}")
        lines += [f"c {number} {chunk} {crc:08x}" for chunk, crc in sorted(entry.chunks.items())]
        if entry.verified:
            lines.append(f"v {number} {entry.verified[0]} {entry.verified[1]}")
    return "\n".join(lines) + "\n"
