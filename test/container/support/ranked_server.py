"""Ranks that compute together without a device (serve_ranks.py), and what they have computed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from support.launched_server import LaunchedServer
from support.serve_server import eventually

TRIED = 3
"""Steps of a rank before anybody is served: it loads, and reads a prompt and one token on trial."""

RANKS = Path(__file__).resolve().parent / "serve_ranks.py"


class RankedServer(LaunchedServer):
    """Ranks without a device, and what they have computed."""

    def __init__(self, python, folder, size, *flags, wait=True, **environment):
        self.folder = folder
        self.message = folder / "termination"
        given = ["--backend-option", f"folder={folder}", *flags]
        super().__init__(python, RANKS, size, given, {"TERMINATION_MESSAGE_PATH": str(self.message), **environment})
        if wait:
            self.listening()
            self.wait_ready()

    def steps(self, rank: int) -> list[str]:
        path = self.folder / f"rank-{rank}.log"
        return path.read_text().splitlines() if path.exists() else []

    def pid(self, rank: int) -> int:
        """The process of a rank, found by the log that it holds open."""
        log = str(self.folder / f"rank-{rank}.log")
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if any(os.readlink(file) == log for file in (process / "fd").iterdir()):
                    return int(process.name)
        raise AssertionError(f"rank {rank} does not run")

    def agree(self, size: int) -> None:
        """Every rank has computed the same steps, in the same order."""
        expected = self.steps(0)
        assert expected
        for rank in range(1, size):
            eventually(lambda rank=rank: self.steps(rank) == expected, f"rank {rank} has rank 0's steps")
