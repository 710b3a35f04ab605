"""MindSpore's own launcher, msrun, made fit for a pod.

What it lacks (mindspore@0250785a parallel/cluster/process_entity/_api.py, and 2.7.0 by running it): it
starts a scheduler only where the master's address is literally one of its own; the workers' output goes to
files; it ends with 1 for whatever a worker ended with; SIGTERM ends it alone; and it kills the other
workers as soon as one has ended, also where all were told to save and end.
"""

from __future__ import annotations

import logging
import os
import selectors
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

from pod.exit_codes import DONE, IMAGE_MISMATCH, TERMINATED, Fault
from pod.main import run
from pod.termination import report
from ranks import children
from ranks.master import master_address
from ranks.meet_file import forget
from ranks.msrun_options import NAME, MsrunOptions, parse
from ranks.outcome import Outcome, termination_message
from ranks.process import Command, Process, ending
from ranks.progress import Progress
from ranks.signals import Signals
from ranks.worker_logs import SCHEDULER, WorkerLogs
from ranks.workers import Failure, Workers

LOOK = 0.2

UNKNOWN = 1
"""What msrun itself ends with, for a worker whose own code it has taken and not told."""

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    if shutil.which("msrun") is None:
        raise Fault(
            IMAGE_MISMATCH, "this image has no msrun, which came with MindSpore 2.3; use launch.py instead"
        )
    children.adopt_orphans()
    with Signals() as signals:
        address = master_address(options, os.environ, signals.stopped)
        outcome = Msrun(options, signals).run(command(options, address))
    if options.meet_file and options.pod_index == 0 and outcome.code == DONE:
        forget(options.meet_file)
    if outcome.code == DONE:
        log.info("%s", outcome.cause)
    else:
        log.error("%s (exit code %d)", outcome.cause, outcome.code)
        report(termination_message(outcome))
    return outcome.code


def command(options: MsrunOptions, address: str) -> Tuple[str, ...]:
    """Return msrun's command line."""
    flags = {
        "--worker_num": options.pods * options.devices,
        "--local_worker_num": options.devices,
        "--master_addr": address,
        "--master_port": options.port,
        "--node_rank": options.pod_index,
        "--log_dir": options.log_dir.resolve(),
        "--join": True,
        "--cluster_time_out": options.cluster_time_out,
    }
    if tails_by_itself():
        # A worker that there is not: it would show all of them, without telling which is which.
        flags["--tail_worker_log"] = options.pods * options.devices
    return ("msrun", *(str(word) for flag in flags.items() for word in flag), *options.argv)


def tails_by_itself() -> bool:
    """Whether this image's msrun shows the workers' output itself unless told not to, as 2.7.0 does."""
    for folder in sys.path:
        path = Path(folder) / "mindspore" / "parallel" / "cluster" / "run.py"
        if path.is_file():
            return "--tail_worker_log" in path.read_text("utf-8", "replace")
    return False


@dataclass
class _End:
    """Why the workers are being stopped, and when patience ends."""

    outcome: Outcome
    until: float


class Msrun:
    """One msrun, from its start until nothing that it started is left."""

    def __init__(self, options: MsrunOptions, signals: Signals) -> None:
        self._options = options
        self._signals = signals
        self._end: Optional[_End] = None
        names = [f"worker_{number}" for number in options.workers]
        self._logs = WorkerLogs(options.log_dir, names if options.pod_index else [*names, SCHEDULER])
        self._progress = Progress(options.pods * options.devices, 10.0, log.info)

    def run(self, argv: Tuple[str, ...]) -> Outcome:
        """Run msrun to its end and return how it came."""
        options = self._options
        self._logs.set_aside()
        if options.progress != "none":
            self._logs.outputs[f"worker_{options.workers[0]}"].on_line = self._progress.line
        log.info("starting %s", " ".join(argv))
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = Process(
            Command("msrun", argv, env, options.work_dir, None), lambda line: workers.heard(line)
        )
        workers = Workers(process.pid, options.log_dir)
        try:
            self._watch(process, workers)
        finally:
            process.send(signal.SIGKILL)
            workers.send(signal.SIGKILL)
            children.end_all()
            process.poll()
            process.close()
            self._logs.close()
        return self._outcome(process.code or DONE, workers.failure)

    def _watch(self, process: Process, workers: Workers) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._signals, selectors.EVENT_READ)
            while process.poll() is None:
                selector.select(LOOK)
                self._signals.clear()
                ended = workers.look()
                # What msrun says comes first: once it has said it, it kills the others.
                process.read()
                workers.blame(ended)
                self._logs.show(workers.names)
                if self._over(process, workers):
                    return

    def _over(self, process: Process, workers: Workers) -> bool:
        """Begin to stop where there is a reason; whether stopping has come to its end."""
        reason = self._reason(workers)
        if self._end is None and reason is not None:
            log.warning("%s; stopping %s", reason.cause, _spoken(", ".join(workers.left())) or "no worker")
            self._end = _End(reason, time.monotonic() + self._options.grace)
            # It would kill the others once the first has ended, in the middle of what they save.
            os.kill(process.pid, signal.SIGSTOP)
            workers.stop()
        if self._end is None:
            return False
        left = workers.left()
        if left and time.monotonic() >= self._end.until:
            log.warning("%s still there after %g s: killed", _spoken(", ".join(left)), self._options.grace)
            return True
        return not left

    def _reason(self, workers: Workers) -> Optional[Outcome]:
        if self._signals.received:
            name = signal.Signals(self._signals.received[0]).name
            return Outcome(TERMINATED, f"told to stop by {name}")
        if workers.failure is not None:
            return _failed(workers.failure)
        return None

    def _outcome(self, code: int, failure: Optional[Failure]) -> Outcome:
        if self._end is not None and self._end.outcome.code == TERMINATED:
            return self._end.outcome
        if self._end is None and code == DONE:
            return Outcome(DONE, "every worker ended with 0")
        silent = self._logs.first_silent()
        if failure is not None:
            outcome = _failed(failure)
            return Outcome(outcome.code, outcome.cause, self._tail(failure.name or silent))
        named = f"; {_spoken(silent)} was the first to fall silent" if silent else ""
        return Outcome(code, f"msrun {ending(code)}{named}", self._tail(silent))

    def _tail(self, name: str) -> Tuple[str, ...]:
        return tuple(self._logs.outputs[name].tail) if name in self._logs.outputs else ()


def _failed(failure: Failure) -> Outcome:
    known = UNKNOWN if failure.code is None else failure.code
    return Outcome(known, f"{_spoken(failure.name) or 'a worker'} {ending(known)}")


def _spoken(name: str) -> str:
    return name.replace("_", " ")
