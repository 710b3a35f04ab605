"""The processes that msrun has started, seen from outside: it ends with 1, whatever they end with."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Collection, Dict, List, Optional

_ENDED = re.compile(r"Worker process (\d+) exit with exception(?:\. Error code: (-?\d+))?")
"""What msrun says of the first failed worker (mindspore 2.7.0 process_entity/_api.py; older: no code)."""


@dataclass(frozen=True)
class Failure:
    """The worker that failed first, '' if unknown; `code` as a shell counts it, None if unknown."""

    name: str
    code: Optional[int]


class Workers:
    """The children of process `parent`, each known by the file of `logs` that its output goes to."""

    def __init__(self, parent: int, logs: Path) -> None:
        self._parent = parent
        self._logs = logs.resolve()
        self._names: Dict[int, str] = {}
        self.failure: Optional[Failure] = None

    def look(self) -> Optional[Failure]:
        """Take note of new processes; return one that has ended with another code than 0, if there is one."""
        for pid in _children(self._parent):
            self._names[pid] = self._names.get(pid) or self._name(pid)
            code = _ended(pid)
            if code and self._names[pid]:
                return Failure(self._names[pid], code)
        return None

    def _name(self, pid: int) -> str:
        """Return the name of the log that a process writes, '' for a tool that msrun has started."""
        try:
            output = Path(os.readlink(f"/proc/{pid}/fd/1"))
        except OSError:
            return ""
        return output.stem if output.parent == self._logs and output.suffix == ".log" else ""

    def heard(self, line: str) -> None:
        """Take what msrun says: it may have reaped a worker before we could look at it."""
        match = _ENDED.search(line)
        if match:
            code = int(match.group(2)) if match.group(2) else None
            shell = code if code is None or code >= 0 else 128 - code
            self.blame(Failure(self._names.get(int(match.group(1)), ""), shell))

    def blame(self, failure: Optional[Failure]) -> None:
        """Take `failure` for the first, if there was none before."""
        self.failure = self.failure or failure

    @property
    def names(self) -> Collection[str]:
        """The names of all that were seen."""
        return set(self._names.values())

    def left(self) -> List[str]:
        """Return the names of the workers that still run."""
        return sorted(name for pid, name in self._names.items() if name.startswith("worker") and _runs(pid))

    def send(self, number: int) -> None:
        """Send signal `number` to all that run, and to the groups that they lead, as they do with 2.7.0."""
        for pid in [pid for pid, name in self._names.items() if name and _runs(pid)]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) == pid:
                    os.killpg(pid, number)
                else:
                    os.kill(pid, number)

    def stop(self) -> None:
        """Send SIGTERM to the workers; MindSpore's scheduler they need until they have ended."""
        for pid in [pid for pid, name in self._names.items() if name.startswith("worker") and _runs(pid)]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGTERM)


def _children(parent: int) -> List[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        fields = _fields(stat)
        if len(fields) > 1 and fields[1] == str(parent):
            found.append(int(stat.parent.name))
    return sorted(found)


def _fields(stat: Path) -> List[str]:
    """Return the fields after the command, which may hold spaces and parentheses: state, parent, ..."""
    try:
        return stat.read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _runs(pid: int) -> bool:
    fields = _fields(Path(f"/proc/{pid}/stat"))
    return bool(fields) and fields[0] not in ("Z", "X")


def _ended(pid: int) -> int:
    """Return the code of a process that ended and is not reaped yet, 0 while it runs (proc(5), exit_code)."""
    fields = _fields(Path(f"/proc/{pid}/stat"))
    if len(fields) < 50 or fields[0] != "Z":
        return 0
    status = int(fields[49])
    return 128 + (status & 0x7F) if status & 0x7F else status >> 8
