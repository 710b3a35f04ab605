"""Runs the processes of one pod: shows their output, ends all when one fails or somebody says stop."""

from __future__ import annotations

import logging
import selectors
import signal
import time
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional

from pod.exit_codes import DEADLINE, DONE, TERMINATED, TRANSIENT
from ranks import children
from ranks.outcome import Outcome
from ranks.process import Command, Process, ending, names
from ranks.signals import Signals

LOOK = 1.0
"""Longest sleep of the loop; signals, ended processes and the meeting wake it at once."""

ALL_DONE = Outcome(DONE, "every rank ended with 0")

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Policy:
    """`grace` is from SIGTERM to SIGKILL, `finish_within` from the first end to the last (0: no limit).

    A `server` has no end of its own: any process that ends unasked is a failure.
    """

    grace: float
    finish_within: float
    server: bool = False


class Supervisor:
    """Starts every command and waits until none is left.

    `changed` tells why the job must be arranged anew, or ''. `stopping` hears of an early end when it begins,
    which may be long before all have ended.
    """

    def __init__(
        self,
        policy: Policy,
        signals: Signals,
        changed: Callable[[], str] = lambda: "",
        stopping: Callable[[Outcome], None] = lambda outcome: None,
    ) -> None:
        self._policy = policy
        self._signals = signals
        self._changed = changed
        self._stopping = stopping
        self._log = logging.getLogger("launch")
        self._selector = selectors.DefaultSelector()
        self._running: Dict[int, Process] = {}
        self._ended: List[Process] = []
        self._outcome: Optional[Outcome] = None
        self._failed: Optional[Process] = None
        self._kill_at: Optional[float] = None
        self._finish_by: Optional[float] = None

    def run(self, commands: List[Command], on_line: Optional[OnLine] = None) -> Outcome:
        """Run `commands` to their end and return how it came; `on_line` sees the lines of the first one.

        Nothing that the commands started is left behind, however this ends.
        """
        self._selector.register(self._signals, selectors.EVENT_READ)
        try:
            for place, command in enumerate(commands):
                self._start(command, None if place else on_line)
            while self._running:
                self._turn()
        finally:
            self._end_rest()
        return self._result()

    def _start(self, command: Command, on_line: Optional[OnLine]) -> None:
        process = Process(command, on_line)
        self._running[process.pid] = process
        self._selector.register(process, selectors.EVENT_READ, process)

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                self._signals.clear()
            elif not key.data.read():
                self._selector.unregister(key.fileobj)
        children.reap(self._running, self._reaped)
        self._decide()

    def _patience(self) -> float:
        now = time.monotonic()
        times = [at - now for at in (self._kill_at, self._finish_by) if at is not None]
        return max(0.0, min([LOOK, *times]))

    def _reaped(self, pid: int) -> None:
        process = self._running.pop(pid)
        process.poll()
        process.read()
        self._ended.append(process)
        code = process.code or DONE
        unasked = bool(code) and self._outcome is None
        self._log.log(logging.ERROR if unasked else logging.INFO, "%s %s", process.name, ending(code))
        failed = bool(code) or self._policy.server
        if failed and self._outcome is None:
            self._failed = process
            self._stop(_failure(process.name, code))
        elif self._only_companions():
            self._finish_by = time.monotonic() + self._policy.grace
        elif self._finish_by is None and self._policy.finish_within:
            self._finish_by = time.monotonic() + self._policy.finish_within

    def _only_companions(self) -> bool:
        return all(process.companion for process in self._running.values())

    def _decide(self) -> None:
        if not self._running:
            return
        now = time.monotonic()
        if self._signals.received and (self._outcome is None or self._outcome.regroup):
            name = signal.Signals(self._signals.received[0]).name
            self._stop(Outcome(TERMINATED, f"told to stop by {name}"), self._signals.received[0])
        elif self._outcome is None and self._changed():
            self._stop(Outcome(TRANSIENT, self._changed(), regroup=True))
        elif self._outcome is None and self._finish_by is not None and now >= self._finish_by:
            self._stop(ALL_DONE if self._only_companions() else self._unfinished())
        if self._kill_at is not None and now >= self._kill_at:
            self._kill()

    def _unfinished(self) -> Outcome:
        who = names(list(self._running.values()))
        first = f"{self._ended[0].name}, the first that was done"
        return Outcome(DEADLINE, f"{who} did not end within {self._policy.finish_within:g} s of {first}")

    def _stop(self, outcome: Outcome, number: int = signal.SIGTERM) -> None:
        self._outcome = outcome
        self._finish_by = None
        if self._running:
            self._log.warning("%s; stopping %s", outcome.cause, names(list(self._running.values())))
            self._kill_at = self._kill_at or time.monotonic() + self._policy.grace
        for process in self._running.values():
            process.send(number)
        if outcome.code != DONE and not outcome.regroup:
            self._stopping(outcome)

    def _kill(self) -> None:
        self._log.warning(
            "%s still there after %g s: killed", names(list(self._running.values())), self._policy.grace
        )
        self._kill_at = None
        for process in self._running.values():
            process.send(signal.SIGKILL)

    def _end_rest(self) -> None:
        # The groups first: what a rank started may ignore the end of its parent, but not of its group.
        for process in (*self._running.values(), *self._ended):
            process.send(signal.SIGKILL if process.code is None else signal.SIGTERM)
        left = children.end_all()
        if left:
            self._log.warning("ended %d process(es) that the ranks had left behind", left)
        for process in (*self._running.values(), *self._ended):
            process.close()
        self._selector.close()

    def _result(self) -> Outcome:
        outcome = self._outcome or ALL_DONE
        if self._failed:
            return Outcome(outcome.code, outcome.cause, tuple(self._failed.output.tail))
        if (
            outcome.code == TERMINATED
            and self._policy.server
            and not any(process.code for process in self._ended)
        ):
            return Outcome(DONE, outcome.cause)
        return outcome


def _failure(name: str, code: int) -> Outcome:
    """Return the outcome of a process that ended first.

    Nobody had told it to stop, whatever its code says: newer MindSpore sends SIGTERM to itself where it has
    lost the scheduler or the others (mindspore ccsrc/distributed/init.cc).
    """
    unasked = code in (DONE, TERMINATED)
    return Outcome(TRANSIENT if unasked else code, f"{name} {ending(code)}{' unasked' if unasked else ''}")
