"""Signals, deadline and progress around work that runs in a thread of its own."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import List, NamedTuple, Optional, Union

from artifacts.termination_signal import watch
from fetch.progress import Moment, show
from pod.exit_codes import DEADLINE, TERMINATED, Fault

LOOK_SECONDS = 0.1


class Work(ABC):
    """Something that takes long, can be told to stop and says how far it is."""

    @abstractmethod
    def run(self) -> int:
        """Do it; the exit code."""

    @abstractmethod
    def stop(self) -> None:
        """End soon, with everything saved that another start can go on from."""

    @abstractmethod
    def moment(self) -> Optional[Moment]:
        """How far it is; None before it has begun."""


class Limits(NamedTuple):
    """Times in seconds; `stop` is how long work may take to end after SIGTERM, `progress` plain or json."""

    deadline: Optional[float]
    progress_interval: float
    progress: str
    stop: float


def run_watched(work: Work, limits: Limits) -> int:
    """Run `work`; `Fault` TERMINATED or DEADLINE if it has to be ended."""
    stopped = watch()
    outcome: List[Union[int, BaseException]] = []

    def body() -> None:
        try:
            outcome.append(work.run())
        except BaseException as error:
            outcome.append(error)

    # Signals are handled between two steps of the main thread, so nothing that may block runs there.
    thread = threading.Thread(target=body, name="delivery", daemon=True)
    thread.start()
    cause = _watch(thread, work, limits, stopped)
    if cause is not None:
        work.stop()
        thread.join(limits.stop)
        raise cause
    result = outcome[0]
    if isinstance(result, BaseException):
        raise result
    return result


def _watch(thread: threading.Thread, work: Work, limits: Limits, stopped: threading.Event) -> Optional[Fault]:
    """Show the progress until the thread ends; the fault if it has to be ended."""
    started = shown = time.monotonic()
    while thread.is_alive():
        now = time.monotonic()
        if stopped.is_set():
            return Fault(TERMINATED, f"told to stop{_so_far(work)}")
        if limits.deadline is not None and now - started > limits.deadline:
            return Fault(DEADLINE, f"not done within {limits.deadline:g} s{_so_far(work)}")
        if now - shown >= limits.progress_interval:
            shown = now
            moment = work.moment()
            if moment is not None:
                show(moment, limits.progress)
        stopped.wait(LOOK_SECONDS)
    return None


def _so_far(work: Work) -> str:
    moment = work.moment()
    return f" at {moment.line()}; another start goes on from here" if moment is not None else ""
