"""How the pods of a job agree: pod 0 keeps this record, all pods tell it of themselves again and again.

A plan holds for one generation. It comes into being when every pod is there with an offer and runs nothing,
and it falls when a pod fails, falls silent or is started again; then all stop their ranks and meet anew.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Set

GATHERING = "gathering"
RUNNING = "running"
FINISHED = "finished"


@dataclass(frozen=True)
class Beat:
    """A pod's sign of life.

    `instance` is of one process of pod `node`, `settings` must be the same in all pods, `offer` is what the
    pod brings to a plan (None: not ready), `following` is the plan whose ranks it runs or has run.
    """

    node: int
    instance: str
    settings: Dict[str, Any]
    offer: Optional[Dict[str, Any]]
    state: str
    following: str


@dataclass(frozen=True)
class Reply:
    """What a pod is told: the plan in force if any, whether all finished it, and why not where there is none.

    `cause` says why the last plan fell, `waiting` what the next one waits for, `refused` why this pod may not
    join.
    """

    plan: Optional[Dict[str, Any]] = None
    finished: bool = False
    cause: str = ""
    waiting: str = ""
    wrong: str = ""
    refused: str = ""


@dataclass
class _Member:
    """`idle`: it said that it gathers after the last plan fell; until then it may run that plan's ranks."""

    beat: Beat
    seen: float
    told: bool = False
    idle: bool = False


@dataclass
class Meeting:
    """The record of a job of `nodes` pods. A pod is lost after `lost_after` seconds of silence.

    `mistake` says what is wrong with a plan, '' if nothing is.
    """

    nodes: int
    settings: Dict[str, Any]
    lost_after: float
    mistake: Callable[[Dict[str, Any]], str] = lambda plan: ""
    clock: Callable[[], float] = time.monotonic
    _members: Dict[int, _Member] = field(default_factory=dict)
    _plan: Optional[Dict[str, Any]] = None
    _number: int = 0
    _cause: str = ""
    _wrong: str = ""
    _left: Set[int] = field(default_factory=set)
    _replaced: Set[str] = field(default_factory=set)
    _culprits: Dict[str, int] = field(default_factory=dict)
    # Plans of an earlier pod 0 must not be taken for ours.
    _origin: str = field(default_factory=lambda: uuid.uuid4().hex)

    def beat(self, beat: Beat) -> Reply:
        """Take a pod's sign of life and tell it where things stand."""
        refused = self._refusal(beat)
        if refused:
            return Reply(refused=refused)
        self._admit(beat)
        self._drop_silent()
        self._form()
        finished = self._finished()
        if self._plan is None or finished:
            self._members[beat.node].told = True
        return Reply(self._plan, finished, self._cause, "" if self._plan else self._waiting(), self._wrong)

    def report(self, node: int, following: str, cause: str) -> bool:
        """Take leave of pod `node`, which failed while `following` a plan; whether that plan fell by it.

        One failure makes ranks of other pods fail in turn; only the first that is reported is a failure of
        its pod. The plan of an earlier pod 0 fell by that one's end.
        """
        if self._plan is not None and self._plan["id"] == following:
            self._culprits[following] = node
            self._fall(f"pod {node}: {cause}")
        first = self._culprits.get(following) == node
        if first:
            self._members.pop(node, None)
            self._left.add(node)
        return first

    def leave(self, node: int, instance: str, cause: str) -> None:
        """Take leave of pod `node`, which ends for another reason than a failed rank."""
        known = self._members.get(node)
        if known and known.beat.instance == instance:
            # Without pod 0 the others could not learn that all are done.
            done = known.beat.state == FINISHED and (node != 0 or self._finished())
            del self._members[node]
            self._left.add(node)
            if not done:
                self._fall(f"pod {node}: {cause}")

    def all_told(self) -> bool:
        """Whether every other pod that is still here knows of the end of the plan."""
        self._drop_silent()
        return all(member.told for node, member in self._members.items() if node != 0)

    def _refusal(self, beat: Beat) -> str:
        if not 0 <= beat.node < self.nodes:
            return f"pod {beat.node} is none of this job, which has pods 0 to {self.nodes - 1}"
        if beat.instance in self._replaced:
            return f"a newer pod {beat.node} has taken this one's place"
        others = [
            f"{name} {beat.settings.get(name)!r}, but pod 0 has {value!r}"
            for name, value in self.settings.items()
            if beat.settings.get(name) != value
        ]
        return f"pod {beat.node} has {'; '.join(others)}" if others else ""

    def _admit(self, beat: Beat) -> None:
        known = self._members.get(beat.node)
        plan_id = self._plan["id"] if self._plan else ""
        if known and known.beat.instance != beat.instance:
            self._replaced.add(known.beat.instance)
            self._fall(f"pod {beat.node} was started again")
        elif known and plan_id and known.beat.following == plan_id and beat.following != plan_id:
            self._fall(f"pod {beat.node} stopped its ranks")
        elif not known and self._plan is not None:
            self._fall(f"pod {beat.node} came back")
        self._left.discard(beat.node)
        if known is None or known.beat.instance != beat.instance:
            self._wrong = ""
        told = known.told if known and known.beat.instance == beat.instance else False
        self._members[beat.node] = _Member(beat, self.clock(), told, beat.state == GATHERING)

    def _drop_silent(self) -> None:
        now = self.clock()
        for node, member in list(self._members.items()):
            if now - member.seen > self.lost_after:
                del self._members[node]
                self._fall(f"pod {node} was silent for {self.lost_after:g} s")

    def _fall(self, cause: str) -> None:
        if self._plan is None:
            return
        self._plan = None
        self._cause = cause
        for member in self._members.values():
            member.idle = False

    def _form(self) -> None:
        if self._plan is not None or self._wrong or self._waiting():
            return
        offers = [self._members[node].beat.offer or {} for node in range(self.nodes)]
        plan = {
            "id": f"{self._origin}-{self._number + 1}",
            "number": self._number + 1,
            "host": offers[0]["host"],
            "port": offers[0]["port"],
            "servers": [offer["server"] for offer in offers if offer["server"] is not None],
        }
        self._wrong = self.mistake(plan)
        if not self._wrong:
            self._number += 1
            self._plan = plan
        for member in self._members.values():
            member.told = False

    def _waiting(self) -> str:
        missing = [node for node in range(self.nodes) if node not in self._members and node not in self._left]
        left = f"{pods(sorted(self._left))} left" if self._left else ""
        if missing:
            return f"{pods(missing)} of {self.nodes} did not come{left and ', '}{left}"
        if left:
            return left
        unready = [node for node, member in sorted(self._members.items()) if member.beat.offer is None]
        if unready:
            return f"{pods(unready)} of {self.nodes} have no rank table yet"
        busy = [node for node, member in sorted(self._members.items()) if not member.idle]
        if busy:
            return f"{pods(busy)} of {self.nodes} still stop their ranks"
        digests = {str((member.beat.offer or {}).get("digest")) for member in self._members.values()}
        return "the pods see different rank tables" if len(digests) > 1 else ""

    def _finished(self) -> bool:
        plan_id = self._plan["id"] if self._plan else ""
        return bool(plan_id) and all(
            member.beat.state == FINISHED and member.beat.following == plan_id
            for member in self._members.values()
        )


def pods(numbers: List[int]) -> str:
    """Return `pod 3` or `pods 3, 7`."""
    return f"pod{'' if len(numbers) == 1 else 's'} {', '.join(map(str, numbers))}"
