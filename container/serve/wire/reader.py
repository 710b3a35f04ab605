"""Buffered reads from one connection."""

from __future__ import annotations

import select
import socket
import time

_CHUNK = 65536


class DisconnectedError(Exception):
    """The client closed the connection."""


class StalledError(Exception):
    """The client did not send, or did not take, the next bytes in time."""


class OverlongError(Exception):
    """A line is longer than the limit."""


class Reader:
    """Reads lines and bodies, each with a deadline (`time.monotonic()`) and a limit in bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def wait(self, timeout: float) -> bool:
        """Say whether the next request begins within `timeout` seconds."""
        try:
            self._fill(time.monotonic() + timeout)
        except (StalledError, DisconnectedError):
            return False
        return True

    def line(self, limit: int, deadline: float) -> bytes:
        """Return the next line with its line feed."""
        scanned = 0
        while True:
            end = self._buffer.find(b"\n", scanned)
            if end >= limit or (end < 0 and len(self._buffer) >= limit):
                raise OverlongError
            if end >= 0:
                return self._take(end + 1)
            scanned = len(self._buffer)
            self._receive(deadline)

    def exactly(self, size: int, deadline: float) -> bytes:
        """Return the next `size` bytes."""
        while len(self._buffer) < size:
            self._receive(deadline)
        return self._take(size)

    def peer_is_gone(self) -> bool:
        """Say, without waiting, whether the client closed its side.

        A client that closes only its sending side counts as gone too: no HTTP client that still reads does
        so. What it pipelined is kept, up to one buffer; beyond that the question stays open until the
        buffer is read.
        """
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        while len(self._buffer) < _CHUNK and poll.poll(0):
            try:
                self._receive(time.monotonic() + 1)
            except DisconnectedError:
                return True
        return False

    def discard(self, limit: int, deadline: float) -> None:
        """Read and forget up to `limit` bytes, until the client closes or the deadline passes."""
        received = 0
        try:
            while received < limit:
                self._buffer.clear()
                self._receive(deadline)
                received += len(self._buffer)
        except (StalledError, DisconnectedError):
            return

    def _fill(self, deadline: float) -> None:
        if not self._buffer:
            self._receive(deadline)

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise StalledError
        try:
            self._connection.settimeout(left)
            received = self._connection.recv(_CHUNK)
        except socket.timeout:
            raise StalledError from None
        except OSError:
            raise DisconnectedError from None
        if not received:
            raise DisconnectedError
        self._buffer += received

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken
