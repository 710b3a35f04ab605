"""An entry file of container/ run as a process, the way a pod runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class Script:
    """`container/<name>.py` under the Python `python`, with a termination message file of its own."""

    def __init__(self, python: str, container: Path, name: str, folder: Path, **environment: str) -> None:
        self._argv = [python, str(container / f"{name}.py")]
        self._message = folder / f"termination-{name}"
        self._environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERMINATION_MESSAGE_PATH": str(self._message),
            **environment,
        }

    def start(self, *arguments: object, stdin: bool = False, **environment: str) -> subprocess.Popen[str]:
        """Start the script as leader of a session, as the first process of a container is; stdout carries stderr too.

        With `stdin` somebody may type, else there is no input.
        """
        return subprocess.Popen(
            [*self._argv, *map(str, arguments)],
            env={**self._environment, **environment},
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, *arguments: object, timeout: float = 30, **environment: str) -> tuple[int, str]:
        """Run the script to its end; its exit code and what it wrote."""
        process = self.start(*arguments, **environment)
        try:
            output, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
        return process.returncode, output

    @property
    def cause(self) -> str:
        """The termination message, "" if there is none."""
        return self._message.read_text(encoding="utf-8") if self._message.exists() else ""
