"""A job of many pods as local processes: each launcher is a pod with addresses of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable

from support.ranks_launcher import HERE, alive

RANK = """\
trap 'exit 0' USR2
id=${RANK_ID:-${RANK:-${MS_NODE_ID:-scheduler}}}
size=${RANK_SIZE:-${WORLD_SIZE:-$MS_WORKER_NUM}}
env >"$0/env_$id"
cat "$RANK_TABLE_FILE" >"$0/table_$id" 2>&1
printf '%s %s %s %s\\n' "$id" "$size" "${DEVICE_ID:-${LOCAL_RANK:-none}}" "$$" >>"$0/rank_$id"
read answer <"$0/gate"
exit 0
"""
"""A rank notes what it was given and holds until the gate opens. A shell: a hundred start in no time."""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Job:
    """`pods` launchers of `devices` ranks each."""

    def __init__(self, python: str, container: Path, folder: Path, pods: int, devices: int, rank: str = RANK) -> None:
        self.pods, self.devices, self.folder, self._rank = pods, devices, folder, rank
        self._argv = [python, str(container / "launch.py"), "--devices", str(devices), "--nodes", str(pods)]
        self.port = free_port()
        self.meeting: tuple[object, ...] = ("--meet-host", "127.0.0.1")
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.notes = folder / "ranks"
        self.notes.mkdir()
        os.mkfifo(self.notes / "gate")

    def start(self, index: int, *flags: object, **env: str) -> subprocess.Popen[bytes]:
        """Start pod `index`; its output is appended to a file of its own."""
        meeting = (*self.meeting, "--meet-port", self.port, "--rendezvous-host", "127.0.0.1")
        times = ("--heartbeat", 0.3, "--lost-after", 4, "--wait", 30, "--grace", 5)
        kind = ("--node-index", index, "--rank-env", "mindspore", "--rank-table", "generated")
        arguments = [*kind, *meeting, *times, *flags, "--", "sh", "-c", self._rank, self.notes]
        with (self.folder / f"pod_{index}.log").open("ab") as log:
            self.running[index] = subprocess.Popen(
                [*self._argv, *map(str, arguments)],
                env={**self._environment(index), **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self.running[index]

    def start_all(self, *flags: object, without: tuple[int, ...] = ()) -> None:
        """Start the pods, the last first."""
        for index in reversed(range(self.pods)):
            if index not in without:
                self.start(index, *flags)

    def _environment(self, index: int) -> dict[str, str]:
        return {
            "PATH": f"{HERE / 'bin'}:{os.environ['PATH']}",
            "MEET_TOKEN": "token of this job",
            "POD_IP": f"172.16.0.{index}",
            "STUB_HCCN_NETWORK": f"192.168.{index}",
            "DEV_ROOT": str(self.folder / "dev"),
            "TERMINATION_MESSAGE_PATH": str(self.folder / f"cause_{index}"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def until_up(self, generation: int = 1, seconds: float = 20) -> None:
        """Wait until every rank was started `generation` times."""
        end = time.monotonic() + seconds
        while True:
            starts = [len(self.starts(rank)) for rank in range(self.pods * self.devices)]
            if min(starts) >= generation:
                return
            assert time.monotonic() < end, (starts, self.logs())
            time.sleep(0.05)

    def starts(self, rank: int | str) -> list[list[str]]:
        """What rank `rank` noted at each start: rank, size, device, pid."""
        path = self.notes / f"rank_{rank}"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def env(self, rank: int | str, *names: str) -> list[str | None]:
        """The values of `names` at the last start of `rank`."""
        lines = (self.notes / f"env_{rank}").read_text().splitlines()
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        return [found.get(name) for name in names]

    def finish(self, rank: int) -> None:
        """Have rank `rank` end with 0 while the others hold."""
        os.kill(int(self.starts(rank)[-1][3]), signal.SIGUSR2)

    def fail(self, rank: int) -> None:
        """Have rank `rank` end by SIGUSR1 while the others hold."""
        os.kill(int(self.starts(rank)[-1][3]), signal.SIGUSR1)

    def open_gate(self) -> None:
        """Let every rank that holds go on to its end, and those still to come."""
        end = time.monotonic() + 30
        while self.unfinished():
            assert time.monotonic() < end, (self.unfinished(), self.logs())
            with contextlib.suppress(OSError):
                os.close(os.open(self.notes / "gate", os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.05)

    def unfinished(self) -> list[int]:
        """The pods that still run."""
        return [index for index, process in self.running.items() if process.poll() is None]

    def kill(self, index: int) -> None:
        """End pod `index` without any warning, as a node does that loses power."""
        self.running[index].kill()
        self.running.pop(index).wait()
        for rank in range(index * self.devices, (index + 1) * self.devices):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self.starts(rank)[-1][3]), signal.SIGKILL)

    def everyone(self, code: int = 0, **others: int) -> dict[int, int]:
        """The codes when all pods end with `code`, apart from `others` such as pod_3=7."""
        return {index: others.get(f"pod_{index}", code) for index in range(self.pods)}

    def wait_for(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait until `condition` holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.logs()
            time.sleep(0.05)

    def codes(self, seconds: float = 30) -> dict[int, int]:
        """The exit codes of the pods, once all have ended."""
        end = time.monotonic() + seconds
        try:
            return {index: process.wait(max(0.1, end - time.monotonic())) for index, process in self.running.items()}
        except subprocess.TimeoutExpired:
            raise AssertionError(self.logs()) from None

    def cause(self, index: int) -> str:
        """The termination message of pod `index`."""
        path = self.folder / f"cause_{index}"
        return path.read_text() if path.exists() else ""

    def log(self, index: int) -> str:
        """What pod `index` wrote."""
        path = self.folder / f"pod_{index}.log"
        return path.read_text() if path.exists() else ""

    def logs(self) -> str:
        """What all pods wrote."""
        return "\n".join(f"pod {index}:\n{self.log(index)}" for index in range(self.pods))

    def ranks_alive(self) -> list[int]:
        """Ranks of which a process is left."""
        return [
            rank for rank in range(self.pods * self.devices) if any(alive(int(start[3])) for start in self.starts(rank))
        ]

    def stop(self) -> None:
        """End what is left, whatever happened."""
        for process in self.running.values():
            process.kill()
            process.wait()
        for rank in self.ranks_alive():
            for start in self.starts(rank):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(start[3]), signal.SIGKILL)
