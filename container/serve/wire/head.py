"""The request line and the headers."""

from __future__ import annotations

import re
import time
from typing import Dict, List, NamedTuple, Tuple

from serve.errors import ApiError
from serve.wire.limits import Limits
from serve.wire.reader import OverlongError, Reader, StalledError

# RFC 9110 5.6.2 token; RFC 9112 3: one space between the parts, and no other white space.
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([\x21-\x7e]+) HTTP/([0-9])\.([0-9])\Z")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*\Z")
_ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*")
# A second copy of one of these would let two readers of one request disagree about it.
_SINGLE = frozenset(("host", "content-length", "transfer-encoding", "authorization", "content-type"))


class Head(NamedTuple):
    """What came before the body. Header names are in lower case; the path is as sent, never decoded."""

    method: str
    path: str
    version: Tuple[int, int]
    headers: Dict[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Say whether the client means to use the connection again."""
        words = [word.strip().lower() for word in self.headers.get("connection", "").split(",")]
        return self.version == (1, 1) and "close" not in words


def malformed(message: str, status: int = 400) -> ApiError:
    """Return the error of a request whose end cannot be told, so that its connection is closed."""
    return ApiError(status, message, code="malformed_http", close=True)


def read_head(reader: Reader, limits: Limits) -> Head:
    """Read one request up to its body."""
    deadline = time.monotonic() + limits.header_timeout
    try:
        return _parse(reader, limits, deadline)
    except StalledError:
        raise malformed(f"the headers did not arrive within {limits.header_timeout:g} seconds", 408) from None


def _parse(reader: Reader, limits: Limits, deadline: float) -> Head:
    method, target, version = _request_line(_first_line(reader, limits, deadline))
    headers = _headers(_header_lines(reader, limits, deadline))
    if version == (1, 1) and "host" not in headers:
        raise malformed("a request of HTTP/1.1 needs a Host header")
    path = _ABSOLUTE_FORM.sub("", target, count=1) if target[:1] != "/" else target
    return Head(method, path.split("?", 1)[0], version, headers)


def _first_line(reader: Reader, limits: Limits, deadline: float) -> bytes:
    try:
        line = reader.line(limits.line_bytes, deadline)
        # RFC 9112 2.2: one empty line before the request line is ignored.
        return reader.line(limits.line_bytes, deadline) if line == b"\r\n" else line
    except OverlongError:
        raise malformed(f"the request line is longer than {limits.line_bytes} bytes", 414) from None


def _request_line(line: bytes) -> Tuple[str, str, Tuple[int, int]]:
    match = _REQUEST_LINE.match(_ended(line))
    if match is None:
        raise malformed("the request line is not 'METHOD target HTTP/1.1'")
    version = (int(match.group(3)), int(match.group(4)))
    if version not in ((1, 0), (1, 1)):
        raise malformed(f"HTTP/{version[0]}.{version[1]} is not spoken here: use HTTP/1.1", 505)
    return match.group(1).decode("ascii"), match.group(2).decode("ascii"), version


def _header_lines(reader: Reader, limits: Limits, deadline: float) -> List[bytes]:
    lines: List[bytes] = []
    left = limits.header_bytes
    while True:
        try:
            line = reader.line(max(1, min(left, limits.header_bytes)), deadline)
        except OverlongError:
            raise malformed(f"the headers are longer than {limits.header_bytes} bytes", 431) from None
        if line == b"\r\n":
            return lines
        lines.append(_ended(line))
        left -= len(line)
        if len(lines) > limits.header_count:
            raise malformed(f"there are more than {limits.header_count} headers", 431)


def _headers(lines: List[bytes]) -> Dict[str, str]:
    headers: Dict[str, str] = {}
    for line in lines:
        match = _HEADER.match(line)
        if match is None:
            raise malformed("a header is not 'Name: value' in one line")
        name = match.group(1).decode("ascii").lower()
        value = match.group(2).decode("latin-1")
        if name in headers and name in _SINGLE:
            raise malformed(f"the header {name} is there twice")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _ended(line: bytes) -> bytes:
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
        raise malformed("lines must end with a carriage return and a line feed")
    return line[:-2]
