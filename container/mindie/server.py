"""MindIE's daemon as our child, asked to answer what it has before it ends.

The daemon makes a process group of its own, which the kernel refuses to the leader of a session, as the first
process of a container is: the daemon can only be somebody's child. On SIGTERM it ends at once, whatever it is
answering. `GET /stopService` of its management plane takes no new requests, waits for those that run, and
ends the daemon after its answer (Ascend/MindIE-LLM@8b4871ad src/server: daemon/llm_daemon.cpp and
endpoint/http_wrapper/http_handler.cpp, http_server.cpp).
"""

from __future__ import annotations

import http.client
import logging
import os
import signal
import socket
import subprocess
import time
from typing import Callable, NamedTuple

from pod.signalled_child import start_signalled

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
END_SECONDS = 25.0
"""How long the daemon may take to end: it waits 5 s for its endpoint and 15 s for its processes."""


class Management(NamedTuple):
    """Where the daemon is managed."""

    host: str
    port: int


class Drain(NamedTuple):
    """How long a server that is told to stop goes on taking requests, and then answering them, in seconds."""

    delay: float
    timeout: float


def run_server(start: Callable[[], subprocess.Popen[bytes]], management: Management, drain: Drain) -> int:
    """Run the server that `start` makes until it ends, or until we are told to stop; its exit code.

    It is 0 if all requests were answered, and 128 + n if signal n ended the server.
    """
    child, asked = start_signalled(start, lambda _child, _number: None)
    while child.poll() is None and not asked:
        time.sleep(_LOOK_SECONDS)
    if asked and _is_drained(child, management, drain):
        _end(child)
        return 0
    return _end(child)


def _is_drained(child: subprocess.Popen[bytes], management: Management, drain: Drain) -> bool:
    _log.info(
        "told to stop: requests are taken for %g s more, until the Service has forgotten this pod",
        drain.delay,
    )
    try:
        child.wait(drain.delay)
        return False
    except subprocess.TimeoutExpired:
        pass
    _log.info("no more requests are taken; those that run get %g s", drain.timeout)
    fault = _stop_service(management, drain.timeout)
    if fault:
        _log.warning("%s; the server is ended as it is", fault)
        child.terminate()
        return False
    _log.info("all requests are answered")
    return True


def _stop_service(management: Management, seconds: float) -> str:
    """Ask the server to answer what it has and to end; what went wrong, "" if nothing."""
    connection = http.client.HTTPConnection(management.host, management.port, timeout=seconds)
    try:
        connection.request("GET", "/stopService")
        status = connection.getresponse().status
    except ConnectionResetError:
        return ""  # it ended before its answer was written
    except socket.timeout:
        return f"requests are still running after {seconds:g} s"
    except OSError as error:
        return f"the management plane does not answer: {error}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"the management plane answered /stopService with {status}"


def _end(child: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the server, or make it; 128 + n if signal n did."""
    try:
        code = child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        _log.warning("the server is still there after %g s and is killed", END_SECONDS)
        os.killpg(child.pid, signal.SIGKILL)
        code = child.wait()
    return code if code >= 0 else 128 - code
