"""launch_msrun.py with the real msrun of MindSpore 2.7 and two workers."""

from __future__ import annotations

import socket

from conftest import Programs

TALK = """
import os, sys, time
if os.environ["MS_ROLE"] == "MS_SCHED":
    sys.exit()  # of itself it would end with mindspore
rank = int(os.environ["MS_NODE_ID"])
print("rank", rank, "of", os.environ["MS_WORKER_NUM"], "scheduler", os.environ["MS_SCHED_HOST"], flush=True)
if len(sys.argv) > 1 and rank == 1:
    time.sleep(2)  # the launcher looks for processes now and then; a rank that imports MindSpore lives longer
    sys.exit(int(sys.argv[1]))
"""

def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(programs: Programs, text: str, *arguments: object, code: int = 0) -> str:
    script = programs.folder / "worker.py"
    script.write_text(text)
    words = ("--pods", 1, "--pod-index", 0, "--devices", 2, "--log-dir", "log", "--grace", 5, "--port", free_port())
    return programs.run(
        "launch_msrun", *words, "--cluster-time-out", 60, "--", "python3", script, *arguments, code=code,
        POD_IP="127.0.0.1",
    )  # fmt: skip


def test_two_workers(programs: Programs) -> None:
    output = launch(programs, TALK)
    for rank in range(2):
        assert f"[worker {rank}] rank {rank} of 2 scheduler 127.0.0.1\n" in output


def test_a_failing_worker_is_named_and_its_code_is_the_pods(programs: Programs) -> None:
    """Of itself msrun ends with 1, whatever the worker's code."""
    output = launch(programs, TALK, 7, code=7)
    assert "[msrun] RuntimeError: Distributed job exited with exception." in output
    assert programs.cause.startswith("worker 1 ended with code 7")
    assert "rank 1 of 2" in programs.cause
