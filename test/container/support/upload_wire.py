"""Requests with bodies on the wire: read whole, cut in the middle, stalled, or answered and then cut."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote


@dataclass
class Request:
    """One request; `path` and `query` as they came. `host` has the bucket if the path does not."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    host: str = ""

    @property
    def bucket(self) -> str:
        return self.host.split(".")[0] if self.host else self.path.split("/")[1]

    @property
    def key(self) -> str:
        return unquote("/".join(self.path.split("/")[1 if self.host else 2 :]))


@dataclass
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Cut:
    """A connection that is reset once `after` bytes of the body were read; None: once the store has done the work.

    `stall` are seconds in which nothing is read before that.
    """

    after: int | None = 0
    stall: float = 0.0


def handler(store: Any) -> type[BaseHTTPRequestHandler]:
    """Return a handler that asks `store.fault` before and `store.answer` after the body is read."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def log_message(self, *_arguments: object) -> None:
            pass

        def _serve(self) -> None:
            path, _, query = self.path.partition("?")
            host = ""
            if path.startswith("http://"):  # the client takes this server for its proxy
                host, _, path = path[len("http://") :].partition("/")
                path = f"/{path}"
            request = Request(self.command, path, query, dict(self.headers.items()), host=host)
            length = int(self.headers.get("Content-Length", 0))
            found = store.fault(request)
            if isinstance(found, Cut) and found.after is not None:
                self.rfile.read(min(length, found.after))
                time.sleep(found.stall)
                self._reset()
                return
            request.body = self.rfile.read(length)
            if len(request.body) < length:
                self.close_connection = True
                return
            reply = found if isinstance(found, Reply) else store.answer(request)
            if isinstance(found, Cut):
                self._reset()
            else:
                self._reply(reply)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

        def _reply(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def _reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    return Handler
