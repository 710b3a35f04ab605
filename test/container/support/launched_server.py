"""A server whose ranks launch.py starts, one a device."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from pathlib import Path
from typing import Sequence

from support.serve_server import CONTAINER, MODEL, Server

ADDRESS = ["--host", "127.0.0.1", "--port", "0", "--drain-delay", "0.2"]


class LaunchedServer(Server):
    """launch.py as a process; everything else is as with a server alone."""

    grace = 20

    def __init__(self, python: str, script: Path, size: int, flags: Sequence[str], env: dict[str, str]) -> None:
        launcher = ["--devices", str(size), "--rank-env", "torch", "--kind", "server", "--grace", str(self.grace)]
        server = [python, str(script), "--backend", "atb", "--model-name", MODEL, *ADDRESS, *flags]
        self.process = subprocess.Popen(
            [python, str(CONTAINER / "launch.py"), *launcher, "--", *server],
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.lines, self.port = [], 0
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def listening(self, timeout: float = 20) -> None:
        """Wait until rank 0 has its port, or all have ended."""
        assert self._listening.wait(timeout), self.lines

    def __exit__(self, *given: object) -> None:
        """End as a pod does: a launcher that is killed leaves its ranks behind."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(self.grace + 10)
        super().__exit__(*given)
