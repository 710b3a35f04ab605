"""The launcher: agrees on a plan, runs this pod's ranks by it, and ends as they end."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Iterator, List, Optional

from pod.exit_codes import DONE, TERMINATED, TRANSIENT
from pod.main import run
from pod.termination import report
from ranks import children
from ranks.assembly import joined
from ranks.commands import commands
from ranks.meet_file import forget
from ranks.member import Member
from ranks.options import Options, parse
from ranks.outcome import Outcome, termination_message
from ranks.plan import Agreement, Plan
from ranks.planning import Planner
from ranks.progress import Progress
from ranks.rank_table import server_of
from ranks.signals import Signals
from ranks.supervisor import Policy, Supervisor


def main(arguments: List[str]) -> int:
    """Run the launcher with the command line `arguments` and return its exit code."""
    return run("launch", lambda: _launch(parse(arguments)))


def _launch(options: Options) -> int:
    children.adopt_orphans()
    with Signals() as signals, _scratch(options) as scratch:
        pod = _Pod(options, signals, scratch)
        if options.meets:
            with joined(options, os.environ, signals) as member:
                outcome = pod.run_with_others(member)
            if options.meet_file and options.node_index == 0 and outcome.code == DONE:
                forget(options.meet_file)
        else:
            outcome = pod.run_alone()
    return _end(outcome)


@contextlib.contextmanager
def _scratch(options: Options) -> Iterator[Path]:
    """Give the folder for the rank table, a temporary one only where it is needed: /tmp may be read-only."""
    if options.work_dir or options.rank_table == "none":
        yield options.work_dir or Path()
        return
    with tempfile.TemporaryDirectory(prefix="launch-") as folder:
        yield Path(folder)


class _Pod:
    """The part of the job that is this pod's."""

    def __init__(self, options: Options, signals: Signals, scratch: Path) -> None:
        self._options = options
        self._signals = signals
        self._scratch = scratch
        self._planner = Planner(options, os.environ, signals)
        self._log = logging.getLogger("launch")

    def run_alone(self) -> Outcome:
        """Run a job of one pod."""
        return self._run(self._planner.plan(self._planner.alone()), None)

    def run_with_others(self, member: Member) -> Outcome:
        """Run generation after generation until all pods are done, or this one fails or is told to stop."""
        while True:
            agreed = member.gather(self._planner.offer(), self._signals.stopped)
            servers = tuple(map(server_of, agreed["servers"]))
            plan = self._planner.plan(Agreement(agreed["host"], agreed["port"], servers))
            self._log.info(
                "generation %d: %d pods meet at %s", agreed["number"], self._options.nodes, plan.host
            )
            outcome = self._run(plan, member)
            if outcome.code == DONE and not member.left and not member.finish(self._signals.stopped):
                outcome = Outcome(DONE, member.fallen(), regroup=True)
            if not outcome.regroup:
                return outcome
            if self._options.scheduler == "outside":
                return _given_up(outcome)
            self._log.warning("%s; meeting the other pods again", outcome.cause)

    def _run(self, plan: Plan, member: Optional[Member]) -> Outcome:
        options = self._options
        started = commands(options, plan, self._scratch, os.environ)
        self._log.info(
            "starting %s of %d: %s",
            ", ".join(one.name for one in started),
            options.world_size,
            options.argv[0],
        )
        progress = Progress(options.world_size, options.progress_interval, self._log.info)
        on_line = progress.line if options.progress != "none" else None
        policy = Policy(options.grace, options.finish_within, options.kind == "server")
        if member is None:
            outcome = Supervisor(policy, self._signals).run(started, on_line)
        else:
            blame = _Blame(member)
            outcome = blame.judge(
                Supervisor(policy, self._signals, member.fallen, blame.stopping).run(started, on_line)
            )
        progress.finish()
        return outcome


def _given_up(outcome: Outcome) -> Outcome:
    """Return the end of a pod whose scheduler is not ours to start again.

    It answers ranks that it knows with what was agreed before, or refuses them, so only a job that its
    operator starts whole can meet again (mindspore ccsrc/distributed/cluster/topology/meta_server_node.cc).
    """
    advice = "MindSpore's scheduler knows these ranks already, so all pods have to start again"
    return Outcome(outcome.code or TRANSIENT, f"{outcome.cause}; {advice}", outcome.tail)


class _Blame:
    """Whether a failure is this pod's own: when ranks of one pod fail, those of the others soon do, too."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._reported: Optional[bool] = None

    def stopping(self, outcome: Outcome) -> None:
        """Tell the others at once."""
        if outcome.code == TERMINATED:
            self._member.leave(outcome.cause)
        else:
            self._reported = self._member.report(outcome.cause)

    def judge(self, outcome: Outcome) -> Outcome:
        """Return the outcome, to be met again where another pod failed first."""
        if self._reported is not False:
            return outcome
        return Outcome(
            outcome.code,
            f"{outcome.cause}, after another pod failed or pod 0 was lost",
            outcome.tail,
            regroup=True,
        )


def _end(outcome: Outcome) -> int:
    log = logging.getLogger("launch")
    if outcome.code == DONE:
        log.info("%s", outcome.cause)
    else:
        log.error("%s (exit code %d)", outcome.cause, outcome.code)
        report(termination_message(outcome))
    return outcome.code
