"""How much of anything one client may take."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Bytes, counts and seconds; who exceeds one gets the status that fits."""

    line_bytes: int = 8192
    header_bytes: int = 32768
    header_count: int = 100
    body_bytes: int = 4 * 1024 * 1024
    header_timeout: float = 10.0  # from the first byte of a request to the end of its headers
    body_timeout: float = 30.0
    write_timeout: float = 30.0  # for one write to be taken by the client
    keep_alive: float = 75.0  # between requests of one connection
    connections: int = 512
