"""URLs: which are allowed, what of them may be shown, and when two are the same place."""

from __future__ import annotations

from typing import Tuple
from urllib.parse import urlsplit, urlunsplit

from pod.exit_codes import BAD_SETTING, USAGE, Fault

PORTS = {"http": 80, "https": 443}

Origin = Tuple[str, str, int]


def origin(url: str) -> Origin:
    """Return scheme, host and port, between which credentials never travel; `Fault` for other schemes."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise Fault(BAD_SETTING, f"cannot open {shown(url)}: only http:// and https:// URLs with a host are")
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]


def shown(url: str) -> str:
    """Return `url` for logs and markers: without query, fragment and credentials, which may be secrets."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def site(url: str) -> str:
    """Return scheme, host and port of `url` as a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def given(url: str) -> str:
    """Return the URL that a person gave, checked: http(s), and no credentials in it."""
    origin(url)
    if "@" in urlsplit(url).netloc:
        raise Fault(
            USAGE,
            f"{shown(url)} was given with credentials in it: put them in a Secret and name it by tokenEnv",
        )
    return url.rstrip("/") if urlsplit(url).path in ("", "/") else url
