"""How a run of ranks ended: its exit code, and its cause for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence, Tuple

from pod.termination import LIMIT


@dataclass(frozen=True)
class Outcome:
    """`code` and `cause` of the end; `tail` is the failing rank's last lines.

    `regroup`: the ranks were stopped to be started again by a new plan.
    """

    code: int
    cause: str
    tail: Tuple[str, ...] = ()
    regroup: bool = False


def termination_message(outcome: Outcome) -> str:
    """Return cause and last lines, without the earliest lines where all do not fit into the kubelet's limit.

    The end of the output says why a rank failed, so it is the beginning that is given up.
    """
    if not outcome.tail:
        return outcome.cause
    kept = list(outcome.tail)
    while len(kept) > 1 and len(_message(outcome.cause, kept).encode()) > LIMIT:
        del kept[0]
    room = LIMIT - len(_message(outcome.cause, [*kept[:-1], ""]).encode())
    kept[-1] = _end_of(kept[-1], max(room, 0))
    return _message(outcome.cause, kept)


def _message(cause: str, lines: Sequence[str]) -> str:
    what = "line" if len(lines) == 1 else f"{len(lines)} lines"
    return "\n".join([f"{cause}; its last {what}:", *lines])


def _end_of(line: str, room: int) -> str:
    data = line.encode()
    return line if len(data) <= room else data[len(data) - room :].decode("utf-8", "ignore")
