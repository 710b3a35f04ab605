"""Packs: the format in which git sends objects (git documentation, gitformat-pack)."""

from __future__ import annotations

import hashlib
import zlib
from typing import Dict, List, Tuple, Union

KINDS = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
OFS_DELTA, REF_DELTA = 6, 7
BLOCK_BYTES = 16 * 1024

Object = Tuple[bytes, bytes]
"""Kind and content."""

Base = Union[int, str]
"""What a delta applies to: an offset in the pack, or an object id."""


Delta = Tuple[int, Base, bytes]
"""Its offset, its base, and what to do with it."""


class BadPackError(ValueError):
    """The bytes are no pack, or not a whole one."""


def parse(data: bytes) -> Dict[str, Object]:
    """Return the objects of the pack `data` by id; `BadPackError` if it is damaged."""
    if data[:4] != b"PACK" or hashlib.sha1(data[:-20]).digest() != data[-20:]:  # noqa: S324 (git's checksum)
        raise BadPackError("the pack is damaged")
    count = int.from_bytes(data[8:12], "big")
    position = 12
    by_offset: Dict[int, Object] = {}
    found: Dict[str, Object] = {}
    deltas: List[Delta] = []
    for _ in range(count):
        offset = position
        kind, position = _header(data, position)
        base: Base = 0
        if kind == OFS_DELTA:
            distance, position = _distance(data, position)
            base = offset - distance
        elif kind == REF_DELTA:
            base, position = data[position : position + 20].hex(), position + 20
        content, position = _inflate(data, position)
        if kind in KINDS:
            _keep(by_offset, found, offset, (KINDS[kind], content))
        else:
            deltas.append((offset, base, content))
    _resolve(deltas, by_offset, found)
    return found


def _resolve(deltas: List[Delta], by_offset: Dict[int, Object], found: Dict[str, Object]) -> None:
    """Apply deltas until none is left; a delta's base may be another delta."""
    while deltas:
        waiting = []
        for offset, base, delta in deltas:
            origin = by_offset.get(base) if isinstance(base, int) else found.get(base)
            if origin is None:
                waiting.append((offset, base, delta))
            else:
                _keep(by_offset, found, offset, (origin[0], _apply(origin[1], delta)))
        if len(waiting) == len(deltas):
            raise BadPackError("the pack has deltas without their base")
        deltas = waiting


def _keep(by_offset: Dict[int, Object], found: Dict[str, Object], offset: int, made: Object) -> None:
    by_offset[offset] = made
    kind, content = made
    name = hashlib.sha1(b"%b %d\0" % (kind, len(content)) + content).hexdigest()  # noqa: S324 (git's names)
    found[name] = made


def _header(data: bytes, position: int) -> Tuple[int, int]:
    """Return the kind of the object at `position` and where its header ends."""
    kind = data[position] >> 4 & 7
    while data[position] & 0x80:
        position += 1
    return kind, position + 1


def _distance(data: bytes, position: int) -> Tuple[int, int]:
    value = data[position] & 0x7F
    while data[position] & 0x80:
        position += 1
        value = (value + 1 << 7) | (data[position] & 0x7F)
    return value, position + 1


def _inflate(data: bytes, position: int) -> Tuple[bytes, int]:
    inflater = zlib.decompressobj()
    parts: List[bytes] = []
    while not inflater.eof:
        block = data[position : position + BLOCK_BYTES]
        if not block:
            raise BadPackError("the pack ends within an object")
        try:
            parts.append(inflater.decompress(block))
        except zlib.error as error:
            raise BadPackError(f"the pack has an object that cannot be inflated: {error}") from error
        position += len(block)
    return b"".join(parts), position - len(inflater.unused_data)


def _size(delta: bytes, position: int) -> Tuple[int, int]:
    value = shift = 0
    while True:
        byte = delta[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if not byte & 0x80:
            return value, position


def _apply(base: bytes, delta: bytes) -> bytes:
    """Return the object that `delta` makes of `base`: pieces copied from it, and pieces of its own."""
    _, position = _size(delta, 0)
    size, position = _size(delta, position)
    parts: List[bytes] = []
    while position < len(delta):
        command = delta[position]
        position += 1
        if command & 0x80:
            start, length, position = _copy(delta, position, command)
            parts.append(base[start : start + length])
        else:
            parts.append(delta[position : position + command])
            position += command
    made = b"".join(parts)
    if len(made) != size:
        raise BadPackError("the pack has a delta that does not fit its base")
    return made


def _copy(delta: bytes, position: int, command: int) -> Tuple[int, int, int]:
    values = []
    for bit in range(7):
        if command >> bit & 1:
            values.append(delta[position])
            position += 1
        else:
            values.append(0)
    start = int.from_bytes(bytes(values[:4]), "little")
    length = int.from_bytes(bytes(values[4:]), "little") or 0x10000
    return start, length, position
