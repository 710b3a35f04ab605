"""Addresses of pods: our own, and that of a name."""

from __future__ import annotations

import ipaddress
import logging
import socket
import time
from typing import Callable, Mapping

from pod.exit_codes import BAD_SETTING, TERMINATED, WAITING, Fault


def own_address(given: str, env: Mapping[str, str], alone: bool) -> str:
    """Return this pod's address: `given`, else POD_IP, XDL_IP or HOST_IP of `env`, else the host name's.

    Raises `Fault` (BAD_SETTING) where the name has none or, unless the pod is `alone`, only a loopback one:
    others would connect to themselves.
    """
    known = given or env.get("POD_IP") or env.get("XDL_IP") or env.get("HOST_IP")
    if known:
        return known
    name = socket.gethostname()
    try:
        address = socket.gethostbyname(name)
    except OSError as error:
        raise Fault(
            BAD_SETTING,
            f"this pod's address is unknown: host name {name} has none ({error}); give --server-ip or POD_IP",
        ) from error
    if ipaddress.ip_address(address).is_loopback and not alone:
        raise Fault(
            BAD_SETTING,
            f"this pod's address is unknown: host name {name} is {address}, which no other pod can reach;"
            " give --server-ip or POD_IP",
        )
    return address


def resolve(host: str, seconds: float, stopped: Callable[[], bool]) -> str:
    """Return the address of `host`, which may itself be one, waiting up to `seconds` for the name to appear.

    MindSpore takes literal addresses only (mindspore@0250785a parallel/cluster/process_entity/_utils.py).
    """
    begin = time.monotonic()
    while True:
        try:
            return str(socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)[0][4][0])
        except OSError as error:
            if stopped():
                raise Fault(TERMINATED, f"told to stop while looking up {host}") from error
            if time.monotonic() - begin >= seconds:
                raise Fault(WAITING, f"{host} has no address after {seconds:g} s: {error}") from error
            logging.getLogger("launch").info("%s has no address yet: %s", host, error)
            time.sleep(min(2.0, seconds))


def free_port() -> int:
    """Return a TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
