"""The entry of upload_artifact.py: signals, deadline and progress, around a delivery in its own thread."""

from __future__ import annotations

import sys
import threading
import time
from typing import List, Optional, Sequence, Union

from artifacts.termination_signal import watch
from fetch.progress import show
from pod.exit_codes import DEADLINE, TERMINATED, Fault
from pod.main import run
from upload.delivery import Delivery
from upload.options import Options, parse

NAME = "upload_artifact"
LOOK_SECONDS = 0.1
STOP_SECONDS = 1.0
"""How long work may take to end after SIGTERM, so that the process is gone within two seconds."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    stopped = watch()
    delivery = Delivery(options)
    outcome: List[Union[int, BaseException]] = []

    def work() -> None:
        try:
            outcome.append(delivery.run())
        except BaseException as error:
            outcome.append(error)

    # Signals are handled between two steps of the main thread, so nothing that may block runs there.
    thread = threading.Thread(target=work, name="delivery", daemon=True)
    thread.start()
    cause = _watch(thread, delivery, options, stopped)
    if cause is not None:
        delivery.stop()
        thread.join(STOP_SECONDS)
        raise cause
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result


def _watch(
    thread: threading.Thread, delivery: Delivery, options: Options, stopped: threading.Event
) -> Optional[Fault]:
    """Show the progress until the thread ends; the fault if it has to be ended."""
    started = shown = time.monotonic()
    while thread.is_alive():
        now = time.monotonic()
        if stopped.is_set():
            return Fault(TERMINATED, f"told to stop{_so_far(delivery)}")
        if options.deadline is not None and now - started > options.deadline:
            return Fault(DEADLINE, f"not done within {options.deadline:g} s{_so_far(delivery)}")
        if now - shown >= options.progress_interval:
            shown = now
            moment = delivery.moment()
            if moment is not None:
                show(moment, "plain")
        stopped.wait(LOOK_SECONDS)
    return None


def _so_far(delivery: Delivery) -> str:
    moment = delivery.moment()
    return f" at {moment.line()}; another start goes on from here" if moment is not None else ""
