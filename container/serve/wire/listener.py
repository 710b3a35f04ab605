"""Accepts connections and gives each a thread."""

from __future__ import annotations

import logging
import socket
import threading
import time
from contextlib import suppress
from typing import Optional, Set, Tuple

from serve.wire.connection import Connection, Handler
from serve.wire.limits import Limits

_log = logging.getLogger(__name__)
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 93\r\n"
    b"Retry-After: 1\r\nConnection: close\r\n\r\n"
    b'{"error":{"message":"too many connections","type":"server_error","param":null,"code":"busy"}}'
)


class Listener:
    """Holds at most `limits.connections` at a time.

    When they are all taken, a new connection replaces the one that has been waiting longest between
    requests, so that neither idle clients nor slow ones keep a probe out; if every one is at work, the new
    one is refused.
    """

    def __init__(self, host: str, port: int, handler: Handler, limits: Limits) -> None:
        self._handler = handler
        self._limits = limits
        self._lock = threading.Lock()
        self._connections: Set[Connection] = set()
        self._closed = False
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, port))
        self._socket.listen(1024)

    @property
    def address(self) -> Tuple[str, int]:
        """Return the host and the port that are listened on."""
        name = self._socket.getsockname()
        return str(name[0]), int(name[1])

    @property
    def open_connections(self) -> int:
        """Return how many clients are connected."""
        with self._lock:
            return len(self._connections)

    def start(self) -> None:
        """Accept in the background until `close`."""
        threading.Thread(target=self._accept, name="listener", daemon=True).start()

    def close(self) -> None:
        """Accept no more."""
        self._closed = True
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError as error:
                if self._closed:
                    return
                _log.warning("could not accept a connection: %s", error)
                time.sleep(0.05)
                continue
            self._admit(accepted)

    def _admit(self, accepted: socket.socket) -> None:
        connection = Connection(accepted, self._handler, self._limits)
        with self._lock:
            if len(self._connections) >= self._limits.connections and not self._evict():
                _refuse(accepted)
                return
            self._connections.add(connection)
        try:
            threading.Thread(target=self._serve, args=(connection,), name="connection", daemon=True).start()
        except RuntimeError as error:  # the pod may have no more threads: the next connection may find one
            _log.warning("could not start a thread for a connection: %s", error)
            with self._lock:
                self._connections.discard(connection)
            _refuse(accepted)

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _evict(self) -> bool:
        oldest: Optional[Connection] = None
        since = time.monotonic()
        for connection in self._connections:
            if connection.idle_since is not None and connection.idle_since <= since:
                oldest, since = connection, connection.idle_since
        if oldest is None:
            return False
        self._connections.discard(oldest)
        oldest.interrupt()
        return True


def _refuse(accepted: socket.socket) -> None:
    with suppress(OSError):
        accepted.settimeout(0.0)
        accepted.send(_REFUSAL)
    accepted.close()
