"""A local web server that does what networks and servers do to a download, and counts every byte it sends."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Request:
    """One request as it came: `path` without and `query` with what follows `?`."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    start: int = 0
    """Offset of the range that was asked for."""


@dataclass
class Reply:
    """What to answer. A body is cut to the range that was asked for unless `ignore_range`.

    `reset_after`, `close_after`: end the connection by RST or FIN after so many bytes. `stall_after`: send no more,
    for `stall` seconds. `drip`: seconds between two bytes. `length`: a Content-Length that is not true. `corrupt`:
    offset of a byte of the whole body to flip. `chunked`: no Content-Length; `unframed`: the end of the connection is the
    end of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ignore_range: bool = False
    reset_after: int | None = None
    close_after: int | None = None
    stall_after: int | None = None
    stall: float = 30.0
    drip: float = 0.0
    length: int | None = None
    corrupt: int | None = None
    chunked: bool = False
    unframed: bool = False
    delay: float = 0.0
    rate: int | None = None
    total: int | None = None
    """Size told in Content-Range when it is not true."""


Handler = Callable[[Request], Reply]


class FaultyServer:
    """Serves what `route` says on a port of its own; `requests` and `sent` (bytes of bodies by path) are counted."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.sent: Counter[str] = Counter()
        self.opened = 0
        self._routes: list[tuple[re.Pattern[str], Handler]] = []
        self.lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(str(certificate))
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
            self._scheme = "https"
        self.port = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}"

    def route(self, pattern: str, handler: Handler) -> None:
        """Answer paths that match `pattern` by `handler`; later routes go first."""
        self._routes.insert(0, (re.compile(pattern), handler))

    def answer(self, request: Request) -> Reply:
        for pattern, handler in self._routes:
            if pattern.fullmatch(request.path):
                return handler(request)
        return Reply(b"no such page", 404, {"Content-Type": "text/plain"})

    @contextmanager
    def running(self) -> Iterator[FaultyServer]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are the point."""


def once(fault: Handler, healthy: Handler, times: int = 1) -> Handler:
    """Answer the first `times` requests by `fault`, later ones by `healthy`."""
    count = iter(range(times))
    return lambda request: fault(request) if next(count, None) is not None else healthy(request)


def _handler(server: FaultyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def setup(self) -> None:
            super().setup()
            with server.lock:
                server.opened += 1

        def log_message(self, *_arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self._serve()

        def do_HEAD(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            request = Request(
                self.command, path, query, dict(self.headers.items()), body, int(match[1]) if match else 0
            )
            with server.lock:
                server.requests.append(request)
            reply = server.answer(request)
            time.sleep(reply.delay)
            content, extra, status = reply.body, {}, reply.status
            if match and status == 200 and not reply.ignore_range:
                start, end = int(match[1]), int(match[2] or len(content) - 1) + 1
                total = len(content) if reply.total is None else reply.total
                extra = {"Content-Range": f"bytes {start}-{min(end, len(content)) - 1}/{total}"}
                if reply.corrupt is not None and start <= reply.corrupt < end:
                    content = _flipped(content, reply.corrupt)
                content, status = content[start:end], 206
            elif reply.corrupt is not None:
                content = _flipped(content, reply.corrupt)
            self._send(request, reply, status, content, extra)

        def _send(self, request: Request, reply: Reply, status: int, content: bytes, extra: dict[str, str]) -> None:
            self.send_response(status)
            length = len(content) if reply.length is None else reply.length
            framing = {"Transfer-Encoding": "chunked"} if reply.chunked else {"Content-Length": str(length)}
            if reply.unframed:
                framing, self.close_connection = {}, True
            for name, value in {**framing, **extra, **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self._body(request, reply, content)
            if reply.length is not None:
                self.close_connection = True

        def _body(self, request: Request, reply: Reply, content: bytes) -> None:
            cuts = [cut for cut in (reply.reset_after, reply.close_after, reply.stall_after) if cut is not None]
            limit = min([*cuts, len(content)])
            step = 1 if reply.drip else 65536 if reply.rate is None else max(1024, reply.rate // 50)
            position = 0
            while position < limit:
                piece = content[position : min(position + step, limit)]
                self._piece(piece, reply.chunked)
                position += len(piece)
                with server.lock:
                    server.sent[request.path] += len(piece)
                if reply.drip or reply.rate:
                    time.sleep(reply.drip or len(piece) / (reply.rate or 1))
            if cuts:
                self._cut(reply)
            elif reply.chunked:
                self.wfile.write(b"0\r\n\r\n")

        def _piece(self, piece: bytes, chunked: bool) -> None:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)

        def _cut(self, reply: Reply) -> None:
            self.close_connection = True
            if reply.stall_after is not None:
                time.sleep(reply.stall)
            if reply.reset_after is not None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()

    return Handler


def _flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]
