"""A command watched from outside: time, peak memory of all its processes, peak bytes on disk."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Measured:
    """Seconds, exit code, and the peaks in bytes."""

    seconds: float
    code: int
    memory: int
    disk: int
    output: str


def run(
    argv: list[str],
    folder: Path,
    environment: dict[str, str],
    kill_when: Callable[[], bool] = lambda: False,
    pause: float = LOOK_SECONDS,
) -> Measured:
    """Run `argv` in `folder`; SIGKILL it and its children as soon as `kill_when` says so."""
    began = time.monotonic()
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    memory = disk = 0
    while process.poll() is None:
        memory, disk = max(memory, _memory(process.pid)), max(disk, on_disk(folder))
        if kill_when():
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(pause)
    seconds = time.monotonic() - began
    reader.join(5)
    return Measured(seconds, process.returncode, memory, max(disk, on_disk(folder)), "".join(lines))


def on_disk(folder: Path) -> int:
    """Return the bytes that the blocks of all files below `folder` take; a file with two names counts once."""
    blocks: dict[int, int] = {}
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(os.path.join(root, name))
            except FileNotFoundError:
                continue
            blocks[status.st_ino] = status.st_blocks * 512
    return sum(blocks.values())


def _memory(leader: int) -> int:
    """Return the resident bytes of the session of `leader`, without the file pages that processes share."""
    return sum(_resident(process) for process in _session(leader))


def _session(leader: int) -> Iterator[str]:
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if os.getsid(int(entry)) == leader:
                yield entry
        except ProcessLookupError:
            continue


def _resident(process: str) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
