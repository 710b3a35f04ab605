"""Processes that outlive the rank that started them: they become our children and end with us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Callable, Collection, List

PR_SET_CHILD_SUBREAPER = 36
"""prctl(2): orphans below us become our children, as they do anyway for process 1."""

POLITE = 2.0
LIMIT = 10.0


def adopt_orphans() -> None:
    """Have the kernel give us every orphan below us."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(own: Collection[int], ended: Callable[[int], None]) -> None:
    """Collect every child that ended. One of `own` is left for `ended` to reap, since its code counts."""
    while True:
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None:
            return
        if found.si_pid in own:
            ended(found.si_pid)
        else:
            os.waitpid(found.si_pid, os.WNOHANG)


def end_all() -> int:
    """End and reap every child there is, politely for 2 s, then by SIGKILL; return how many there were.

    What the ended ones had started becomes our child in turn, so that nobody is left in the end.
    """
    seen = set()
    begin = time.monotonic()
    while time.monotonic() - begin < LIMIT:
        reap((), lambda pid: None)
        left = children()
        if not left:
            break
        patient = time.monotonic() - begin < POLITE
        for pid in left if not patient else [pid for pid in left if pid not in seen]:
            _send(pid, signal.SIGTERM if patient else signal.SIGKILL)
        seen.update(left)
        time.sleep(0.02)
    return len(seen)


def children() -> List[int]:
    """Return the process ids of our children."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            # The command, in parentheses, may itself hold spaces and parentheses.
            parent = int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            if parent == os.getpid():
                found.append(int(stat.parent.name))
    return found


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
