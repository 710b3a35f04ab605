"""Waiting for the artifacts that a container reads, before it does anything."""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from artifacts import marker
from artifacts.termination_signal import watch
from pod.arguments import Parser
from pod.exit_codes import DONE, TERMINATED, WAITING, Fault
from pod.main import run

NAME = "wait_for_artifacts"
REMIND_SECONDS = 30.0

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    parser = Parser(prog=NAME, description="Wait until every artifact has its marker.")
    parser.add_argument("--artifact", action="append", required=True, type=Path, metavar="DIR")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds (default 3600)")
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two looks (default 5)")
    options = parser.parse_args(list(arguments))
    stopped = watch()
    return wait(options.artifact, options.timeout, options.interval, stopped.wait)


def wait(directories: List[Path], timeout: float, interval: float, pause: Callable[[float], bool]) -> int:
    """Return DONE when every directory has a marker whose files are there; `Fault` WAITING after `timeout`.

    `pause` sleeps for the seconds it is given and says whether to stop. A line every 30 seconds says what is
    missing.
    """
    started = time.monotonic()
    reminded = started - REMIND_SECONDS
    while True:
        pending = [directory for directory in directories if marker.read(directory) is None]
        waited = time.monotonic() - started
        if not pending:
            log.info("%d artifacts are ready", len(directories))
            return DONE
        names = ", ".join(str(directory) for directory in pending)
        if waited >= timeout:
            cause = f"waited {waited:.0f} s for {names}: no marker {marker.MARKER_NAME}"
            raise Fault(WAITING, f"{cause}; look at the Job that makes it, then start this pod again")
        if time.monotonic() - reminded >= REMIND_SECONDS:
            log.info("waiting for %s (%.0f s of %.0f s)", names, waited, timeout)
            reminded = time.monotonic()
        if pause(min(interval, max(timeout - waited, 0.01))):
            raise Fault(TERMINATED, f"told to stop while waiting for {names}")
