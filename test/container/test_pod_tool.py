"""A vendor's tool as a child, told to stop."""

import signal
import subprocess
import textwrap
import time

import pytest

PROGRAM = """
import sys
from pod.main import run
from pod.tool import run_tool

sys.exit(run("tool", lambda: run_tool(sys.argv[1:]) or 0))
"""
SLEEPER = "import time; print('asleep', flush=True); time.sleep(60)"


@pytest.mark.parametrize("shell", [(), ("bash", "-c", '"$0" -c "$1"; true')], ids=["program", "below a shell"])
def test_sigterm_reaches_all_of_the_tool(python, container, tmp_path, shell):
    argv = [*shell, python, SLEEPER] if shell else [python, "-c", SLEEPER]
    cause = tmp_path / "cause"
    process = subprocess.Popen(
        [python, "-c", textwrap.dedent(PROGRAM), *argv],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(container), "TERMINATION_MESSAGE_PATH": str(cause)},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout
    assert process.stdout.readline() == "asleep\n"
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - told < 10) == (42, True)
    assert cause.read_text().startswith("told to stop while ")


EARLY = """
import os, signal, subprocess, sys
from pod.signalled_child import start_signalled

def start():
    os.kill(os.getpid(), signal.SIGTERM)
    return subprocess.Popen(["sleep", "60"])

child, came = start_signalled(start)
sys.exit(0 if (child.wait(20), came) == (-signal.SIGTERM, [signal.SIGTERM]) else 1)
"""


def test_a_signal_that_comes_while_the_child_starts_is_passed_on(python, container):
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(container)}
    assert subprocess.run([python, "-c", EARLY], env=env, timeout=30).returncode == 0
