"""One process of the job: a rank, or MindSpore's scheduler."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable, Dict, List, Optional, Tuple, cast

from pod.exit_codes import Fault
from ranks.output import Output

NOT_FOUND_CODE = 127
NOT_EXECUTABLE_CODE = 126
"""What a shell ends with where a command is missing or may not be executed."""

CHUNK = 64 * 1024
"""Bytes: what a pipe holds."""

CHUNKS_A_TURN = 16


@dataclass(frozen=True)
class Command:
    """What to start: `name` is how the log speaks of it; its folders and `folders` are made on start.

    A `companion` serves the ranks and has no work of its own: it may be stopped once they are done.
    """

    name: str
    argv: Tuple[str, ...]
    env: Dict[str, str]
    work_dir: Optional[Path]
    log: Optional[Path]
    interactive: bool = False
    companion: bool = False
    folders: Tuple[Path, ...] = ()


class Process:
    """A started `Command` in a session and process group of its own, so that signals reach all it starts."""

    def __init__(self, command: Command, on_line: Optional[Callable[[str], None]] = None) -> None:
        for folder in (command.work_dir, command.log and command.log.parent, *command.folders):
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
        self.name = command.name
        self.companion = command.companion
        self.output = Output(command.name, command.log, on_line)
        self._popen = _start(command)
        self.pid = self._popen.pid
        self._stdout = cast(IO[bytes], self._popen.stdout)
        os.set_blocking(self._stdout.fileno(), False)

    @property
    def code(self) -> Optional[int]:
        """Exit code as a shell counts it (128 + n for signal n), None while it runs."""
        code = self._popen.returncode
        return code if code is None or code >= 0 else 128 - code

    def fileno(self) -> int:
        """Return the descriptor of the output, for a selector."""
        return self._stdout.fileno()

    def read(self) -> bool:
        """Take what output there is, 1 MiB at most so that the others get their turn; False at its end."""
        for _ in range(CHUNKS_A_TURN):
            try:
                data = os.read(self.fileno(), CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.output.feed(data)
        return True

    def poll(self) -> Optional[int]:
        """Reap the process if it ended and return its code."""
        self._popen.poll()
        return self.code

    def send(self, number: int) -> None:
        """Send signal `number` to the process and all that shares its group, even after it ended itself."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def close(self) -> None:
        """Take the last output and let go of it; for a process that ended."""
        self.read()
        self.output.close()
        self._stdout.close()


def ending(code: int) -> str:
    """Say in words how a process with exit code `code` ended."""
    if code <= 128:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(code - 128).name} (code {code})"
    except ValueError:
        return f"ended with code {code}"


def _start(command: Command) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command.argv),
            env=command.env,
            cwd=str(command.work_dir) if command.work_dir else None,
            stdin=None if command.interactive else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        code = NOT_FOUND_CODE if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE_CODE
        raise Fault(
            code, f"{command.name} cannot be started: {command.argv[0]}: {os.strerror(error.errno or 0)}"
        ) from error


def names(processes: List[Process]) -> str:
    """Return the names of `processes`, for the log."""
    return ", ".join(process.name for process in processes) or "none"
