"""HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with the networks that Kubernetes users write into the last."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from typing import Dict, Optional
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from fetch.address import shown
from pod.exit_codes import BAD_SETTING, Fault


@dataclass(frozen=True)
class Proxy:
    """Where requests go instead, and the header that lets them in."""

    host: str
    port: int
    headers: Dict[str, str]


def choose(scheme: str, host: str) -> Optional[Proxy]:
    """Return the proxy for `host`, None if it is reached directly."""
    proxies = getproxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or proxy_bypass(host) or _in_network(host, proxies.get("no", "")):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise Fault(BAD_SETTING, f"proxy {shown(url)} cannot be used: only http:// proxies with a host are")
    return Proxy(parts.hostname, parts.port or 3128, _headers(parts.username, parts.password))


def _headers(user: Optional[str], password: Optional[str]) -> Dict[str, str]:
    if not user:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}


def _in_network(host: str, exceptions: str) -> bool:
    """Whether `host` is an address in one of the networks, such as 10.0.0.0/8, of NO_PROXY."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(_contains(entry.strip(), address) for entry in exceptions.split(","))


def _contains(entry: str, address: object) -> bool:
    try:
        return "/" in entry and address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
