"""The launcher run as a process, with stub vendor tools on PATH and ranks that note what they were given."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from support.script import Script

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "ranks_program.py"


class Launcher:
    """`launch.py` whose ranks are `ranks_program.py`, writing into `folder`/ranks."""

    def __init__(self, python: str, container: Path, folder: Path) -> None:
        self._python = python
        self._script = Script(python, container, "launch", folder)
        self.notes = folder / "ranks"
        self.notes.mkdir()
        self.environment = {"PATH": f"{HERE / 'bin'}:{os.environ['PATH']}", "DEV_ROOT": str(folder / "dev")}

    def start(self, *flags: object, argv: list[str] | None = None, **env: str) -> subprocess.Popen[str]:
        """Start it; `argv` defaults to the noting rank."""
        command = argv or [self._python, str(PROGRAM), str(self.notes)]
        return self._script.start(*flags, "--", *command, **{**self.environment, **env})

    def run(self, *flags: object, argv: list[str] | None = None, **env: str) -> tuple[int, str]:
        """Run it to its end; exit code and output."""
        process = self.start(*flags, argv=argv, **env)
        return self.finish(process)

    def finish(self, process: subprocess.Popen[str], number: int = 0, timeout: float = 20) -> tuple[int, str]:
        """Send signal `number` (0: none) and wait for the end."""
        if number:
            process.send_signal(number)
        try:
            output, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return process.returncode, output

    def python_code(self, code: str) -> list[str]:
        """The argv of a rank that runs `code`."""
        return [self._python, "-c", code]

    def noted(self, count: int, seconds: float = 10) -> dict[str, dict[str, Any]]:
        """What `count` ranks were given, by rank, waiting until all are up."""
        end = time.monotonic() + seconds
        while len(list(self.notes.glob("*.json"))) < count:
            assert time.monotonic() < end, sorted(path.name for path in self.notes.iterdir())
            time.sleep(0.02)
        return {path.stem: json.loads(path.read_text()) for path in self.notes.glob("*.json")}

    @property
    def cause(self) -> str:
        """The termination message."""
        return self._script.cause


def alive(pid: int) -> bool:
    """Whether process `pid` exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def lines(output: str, name: str) -> list[str]:
    """The lines of `output` that are of rank `name`, without their prefix."""
    prefix = f"[{name}] "
    return [line[len(prefix) :] for line in output.splitlines() if line.startswith(prefix)]


def values(noted: dict[str, dict[str, Any]], *names: str) -> dict[str, tuple[str | None, ...]]:
    """The values of `names` by rank."""
    return {rank: tuple(note["env"].get(name) for name in names) for rank, note in sorted(noted.items())}


def log(output: str) -> list[str]:
    """The launcher's own lines, without their time."""
    return [line.split(" ", 2)[2] for line in output.splitlines() if re.match(r"\d{4}-.* launch: ", line)]


TERM = signal.SIGTERM
