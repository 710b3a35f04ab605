"""One client's connection: its requests, one after the other."""

from __future__ import annotations

import logging
import socket
import time
from contextlib import suppress
from typing import Callable, Optional

from serve.errors import ApiError
from serve.wire.exchange import Exchange
from serve.wire.head import Head, read_head
from serve.wire.limits import Limits
from serve.wire.reader import DisconnectedError, Reader, StalledError

Handler = Callable[[Exchange], None]

_log = logging.getLogger(__name__)
_UNREADABLE = Head("GET", "", (1, 1), {})
_LINGER_BYTES = 8 * 1024 * 1024
_LINGER_SECONDS = 2.0


class Connection:
    """Reads requests until either side ends it. `idle_since` is None while one is handled."""

    def __init__(self, connection: socket.socket, handler: Handler, limits: Limits) -> None:
        self.idle_since: Optional[float] = time.monotonic()
        self._connection = connection
        self._handler = handler
        self._limits = limits
        self._reader = Reader(connection)

    def serve(self) -> None:
        """Answer requests until the connection ends; no request's failure reaches the caller."""
        try:
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._exchange():
                self.idle_since = time.monotonic()
            self.idle_since = time.monotonic()
            self._linger()
        except (DisconnectedError, StalledError, OSError):
            _log.debug("a client left")
        finally:
            self._connection.close()

    def interrupt(self) -> None:
        """End the connection from another thread."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def _exchange(self) -> bool:
        if not self._reader.wait(self._limits.keep_alive):
            return False
        try:
            head = read_head(self._reader, self._limits)
        except ApiError as error:
            Exchange(self._connection, self._reader, _UNREADABLE, self._limits).send_error(error)
            _log.info("refused a malformed request: %s", error.message)
            return False
        self.idle_since = None
        exchange = Exchange(self._connection, self._reader, head, self._limits)
        self._handler(exchange)
        return exchange.keeps_alive

    def _linger(self) -> None:
        # Closing while the client still sends would reset the connection and destroy the response on its way.
        self._connection.shutdown(socket.SHUT_WR)
        self._reader.discard(_LINGER_BYTES, time.monotonic() + _LINGER_SECONDS)
