"""Connections to servers: opened through the proxy that applies, kept for the next request, cut on demand."""

from __future__ import annotations

import socket
import ssl
import threading
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Set

from fetch import proxy
from fetch.address import Origin
from pod.exit_codes import BAD_SETTING, Fault


class Held:
    """A connection in use. `reused`: it served before, so the server may have closed it meanwhile.

    `absolute`: requests carry the whole URL, as a proxy wants it; `headers` are the proxy's.
    """

    def __init__(self, pool: Connections, key: Origin, connection: HTTPConnection, reused: bool) -> None:
        self._pool = pool
        self._key = key
        self._open = True
        self.connection = connection
        self.reused = reused
        self.absolute = False
        self.headers: Mapping[str, str] = {}

    def done(self, reusable: bool) -> None:
        """Give the connection back; one that is not reusable is closed."""
        if self._open:
            self._open = False
            self._pool.put(self._key, self, reusable)


class Connections:
    """All connections of the process; `timeout` is the seconds that may pass without a byte."""

    def __init__(self, timeout: float, ca_bundle: Optional[Path] = None) -> None:
        self._timeout = timeout
        self._context = _context(ca_bundle)
        self._lock = threading.Lock()
        self._idle: Dict[Origin, List[Held]] = {}
        self._live: Set[HTTPConnection] = set()
        self._cut = False

    def get(self, key: Origin) -> Held:
        """Return an idle connection to the origin `key`, or one that is about to be opened."""
        with self._lock:
            if self._cut:
                raise ConnectionAbortedError("told to stop")
            idle = self._idle.get(key)
            if idle:
                kept = idle.pop()
                return _successor(self, key, kept)
        return self._new(key)

    def put(self, key: Origin, held: Held, reusable: bool) -> None:
        """Keep or close the connection of `held`."""
        with self._lock:
            if reusable and not self._cut:
                self._idle.setdefault(key, []).append(held)
                return
            self._live.discard(held.connection)
        held.connection.close()

    def cut(self) -> None:
        """Shut every socket, so that every blocked read ends now; no connection is given out any more."""
        with self._lock:
            self._cut = True
            live = list(self._live)
        for connection in live:
            _shut(connection)

    def _new(self, key: Origin) -> Held:
        scheme, host, port = key
        through = proxy.choose(scheme, host)
        where = (through.host, through.port) if through else (host, port)
        connection: HTTPConnection
        if scheme == "https":
            connection = HTTPSConnection(*where, timeout=self._timeout, context=self._context)
        else:
            connection = HTTPConnection(*where, timeout=self._timeout)
        held = Held(self, key, connection, reused=False)
        if through and scheme == "https":
            connection.set_tunnel(host, port, headers=through.headers)
        elif through:
            held.absolute, held.headers = True, through.headers
        with self._lock:
            self._live.add(connection)
        return held


def _successor(pool: Connections, key: Origin, kept: Held) -> Held:
    held = Held(pool, key, kept.connection, reused=True)
    held.absolute, held.headers = kept.absolute, kept.headers
    return held


def _context(ca_bundle: Optional[Path]) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_bundle is None:
        return context
    # Python 3.13 turns this on. A platform's own authority often lacks the extensions that it asks for, and
    # one
    # bundle has to do in every image.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        context.load_verify_locations(cafile=str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        raise Fault(
            BAD_SETTING, f"CA bundle {ca_bundle} cannot be read: {error}; expected PEM certificates"
        ) from error
    return context


def _shut(connection: HTTPConnection) -> None:
    sock = connection.sock
    try:
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
