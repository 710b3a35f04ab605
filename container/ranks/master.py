"""Where MindSpore's scheduler is: at pod 0, whose address msrun wants as digits, to compare it as text."""

from __future__ import annotations

import logging
import socket
import time
from typing import Callable, Mapping, Optional, Tuple

from artifacts.storage import storing
from pod.exit_codes import TERMINATED, WAITING, Fault
from ranks.address import own_address
from ranks.meet_file import MeetingPoint, announce, read
from ranks.msrun_options import NAME, MsrunOptions

PAUSE = 1.0
SAY_EVERY = 30.0
ANSWER_SECONDS = 5.0

log = logging.getLogger(NAME)


def master_address(options: MsrunOptions, env: Mapping[str, str], stopped: Callable[[], bool]) -> str:
    """Return the address of pod 0; pod 0 itself tells it the others by the file, if there is one."""
    if options.pod_index:
        return _find(options, stopped)
    if options.pods == 1:
        return env.get("POD_IP") or "127.0.0.1"
    address = own_address("", env, alone=False)
    if options.meet_file:
        with storing(options.meet_file):
            announce(options.meet_file, MeetingPoint(address, ""))
    return address


def _find(options: MsrunOptions, stopped: Callable[[], bool]) -> str:
    """Return the address at which pod 0 listens; a name or file may for a while lead to the pod before it."""
    begin = said = time.monotonic()
    while True:
        address, cause = _look(options)
        if address:
            return address
        now = time.monotonic()
        if stopped():
            raise Fault(TERMINATED, f"told to stop while waiting for pod 0: {cause}")
        if now - begin >= options.cluster_time_out:
            raise Fault(WAITING, f"pod 0 was not there within {options.cluster_time_out} s: {cause}")
        if now - said >= SAY_EVERY:
            said = now
            log.info("still waiting for pod 0 (%.0f s): %s", now - begin, cause)
        time.sleep(PAUSE)


def _look(options: MsrunOptions) -> Tuple[str, str]:
    """Return the address if pod 0 answers there, else '' and why not."""
    point: Optional[MeetingPoint] = read(options.meet_file) if options.meet_file else None
    host = options.master_host or (point.host if point else "")
    if not host:
        return "", f"it has not written {options.meet_file}"
    try:
        address = str(socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)[0][4][0])
        socket.create_connection((address, options.port), ANSWER_SECONDS).close()
    except OSError as error:
        return "", f"{host}, port {options.port}: {error}"
    return address, ""
