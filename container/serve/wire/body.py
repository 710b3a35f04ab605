"""The body of a request."""

from __future__ import annotations

import re
import time
from typing import List

from serve.errors import ApiError
from serve.wire.head import Head, malformed
from serve.wire.limits import Limits
from serve.wire.reader import OverlongError, Reader, StalledError

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n\Z")
_LENGTH = re.compile(r"[0-9]{1,15}\Z")
_CHUNK_LINE_BYTES = 1024


def announced(head: Head, limits: Limits) -> int:
    """Return how many bytes follow the headers (-1: chunks), or refuse an ambiguous framing."""
    coding = head.headers.get("transfer-encoding")
    length = head.headers.get("content-length")
    if coding is not None and length is not None:
        raise malformed("Content-Length and Transfer-Encoding exclude each other")
    if coding is not None:
        return _chunked(coding, head)
    if length is None:
        return 0
    if not _LENGTH.match(length):
        raise malformed("Content-Length is not a decimal number")
    if int(length) > limits.body_bytes:
        raise _too_large(limits)
    return int(length)


def read_body(reader: Reader, length: int, limits: Limits) -> bytes:
    """Read the body whose length `announced` returned."""
    deadline = time.monotonic() + limits.body_timeout
    try:
        return reader.exactly(length, deadline) if length >= 0 else _chunks(reader, limits, deadline)
    except StalledError:
        raise malformed(f"the body did not arrive within {limits.body_timeout:g} seconds", 408) from None


def _chunked(coding: str, head: Head) -> int:
    if coding.lower() != "chunked":
        raise malformed("the only Transfer-Encoding that is understood is 'chunked'", 501)
    if head.version == (1, 0):
        raise malformed("Transfer-Encoding needs HTTP/1.1")
    return -1


def _chunks(reader: Reader, limits: Limits, deadline: float) -> bytes:
    chunks: List[bytes] = []
    total = 0
    while True:
        size = _chunk_size(reader, deadline)
        if size == 0:
            _skip_trailers(reader, limits, deadline)
            return b"".join(chunks)
        total += size
        if total > limits.body_bytes:
            raise _too_large(limits)
        chunks.append(reader.exactly(size, deadline))
        if reader.exactly(2, deadline) != b"\r\n":
            raise malformed("a chunk is longer than it says")


def _chunk_size(reader: Reader, deadline: float) -> int:
    try:
        match = _CHUNK_SIZE.match(reader.line(_CHUNK_LINE_BYTES, deadline))
    except OverlongError:
        match = None
    if match is None:
        raise malformed("a chunk does not begin with its size in hexadecimal digits")
    return int(match.group(1), 16)


def _skip_trailers(reader: Reader, limits: Limits, deadline: float) -> None:
    for _ in range(limits.header_count):
        try:
            if reader.line(_CHUNK_LINE_BYTES, deadline) == b"\r\n":
                return
        except OverlongError:
            break
    raise malformed("the trailers after the last chunk are too long", 431)


def _too_large(limits: Limits) -> ApiError:
    return ApiError(
        413, f"the body is longer than {limits.body_bytes} bytes", code="body_too_large", close=True
    )
