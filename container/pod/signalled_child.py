"""A child process that gets the signals which are meant to end us."""

from __future__ import annotations

import signal
import subprocess
from types import FrameType
from typing import Any, Callable, List, Optional, Sequence, Tuple, TypeVar

Child = TypeVar("Child", bound="subprocess.Popen[Any]")

ENDING = (signal.SIGTERM, signal.SIGINT)


def start_signalled(
    start: Callable[[], Child],
    send: Callable[[Child, int], None] = lambda child, number: child.send_signal(number),
    numbers: Sequence[signal.Signals] = ENDING,
) -> Tuple[Child, List[int]]:
    """Return the child that `start` makes, and the signals that came so far: a list that grows.

    From now on each of `numbers` is sent on, also those that come while the child is starting.
    """
    children: List[Child] = []
    came: List[int] = []

    def pass_on(number: int, _frame: Optional[FrameType]) -> None:
        came.append(number)
        for child in children:
            send(child, number)

    for each in numbers:
        signal.signal(each, pass_on)
    children.append(start())
    for number in list(came):
        send(children[0], number)
    return children[0], came
