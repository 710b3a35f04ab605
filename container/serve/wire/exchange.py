"""One request and its response."""

from __future__ import annotations

import json
import socket
import uuid
from email.utils import formatdate
from typing import Dict, Optional

from serve.errors import REASONS, ApiError
from serve.wire.body import announced, read_body
from serve.wire.head import Head, malformed
from serve.wire.limits import Limits
from serve.wire.reader import DisconnectedError, Reader, StalledError


class Exchange:
    """What a handler sees: the head, the body on demand, and one response, whole or streamed."""

    def __init__(self, connection: socket.socket, reader: Reader, head: Head, limits: Limits) -> None:
        self.head = head
        self.identity = uuid.uuid4().hex
        self.status: Optional[int] = None
        self.keeps_alive = head.keeps_alive
        self._connection = connection
        self._reader = reader
        self._limits = limits
        self._body: Optional[bytes] = None
        self._chunked = False

    def read_body(self) -> bytes:
        """Return the body, which is read once."""
        if self._body is None:
            length = announced(self.head, self._limits)
            self._answer_expectation(length)
            self._body = read_body(self._reader, length, self._limits)
        return self._body

    def peer_is_gone(self) -> bool:
        """Say whether the client has closed the connection."""
        return self._reader.peer_is_gone()

    def send_json(self, status: int, body: object, headers: Optional[Dict[str, str]] = None) -> None:
        """Send a whole response of JSON."""
        self.send(status, encode_json(body), "application/json", headers)

    def send_error(self, error: ApiError) -> None:
        """Send a failure, if nothing has been sent yet."""
        if self.status is None:
            self.keeps_alive = self.keeps_alive and not error.close
            self.send_json(error.status, error.body(), error.headers)

    def send(self, status: int, body: bytes, content: str, headers: Optional[Dict[str, str]] = None) -> None:
        """Send a whole response."""
        self._forgo_unread_body()
        head = self._head(
            status, {"Content-Type": content, "Content-Length": str(len(body)), **(headers or {})}
        )
        self._write(head if self.head.method == "HEAD" else head + body)

    def start_stream(self, content: str) -> None:
        """Send the head of a response whose length is not known yet."""
        self._forgo_unread_body()
        headers = {"Content-Type": content, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        self._chunked = self.head.version == (1, 1)
        if self._chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            self.keeps_alive = False
        self._write(self._head(200, headers))

    def write(self, part: bytes) -> None:
        """Send the next part of a streamed response, which is not empty."""
        self._write(self._chunk(part))

    def end_stream(self, part: bytes) -> None:
        """Send the last part of a streamed response, and that it is the last."""
        self._write(self._chunk(part) + b"0\r\n\r\n" if self._chunked else part)

    def _chunk(self, part: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(part), part) if self._chunked else part

    def _answer_expectation(self, length: int) -> None:
        expected = self.head.headers.get("expect")
        if expected is None or length == 0:
            return
        if expected.lower() != "100-continue":
            raise malformed("the only Expect that is understood is '100-continue'", 417)
        self._write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _forgo_unread_body(self) -> None:
        # What the client may still be sending would be taken for its next request.
        headers = self.head.headers
        if self._body is None and (
            headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        ):
            self.keeps_alive = False

    def _head(self, status: int, headers: Dict[str, str]) -> bytes:
        self.status = status
        lines = [f"HTTP/1.1 {status} {REASONS[status]}", f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [
            f"X-Request-Id: {self.identity}",
            f"Connection: {'keep-alive' if self.keeps_alive else 'close'}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _write(self, data: bytes) -> None:
        try:
            self._connection.settimeout(self._limits.write_timeout)
            self._connection.sendall(data)
        except socket.timeout:
            raise StalledError from None
        except OSError:
            raise DisconnectedError from None


def encode_json(body: object) -> bytes:
    """Return compact JSON in UTF-8; what UTF-8 cannot carry (a lone surrogate) becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
