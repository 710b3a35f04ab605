"""The launcher as process 1 of a namespace of its own, as it is in a container."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

NAMESPACE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]

DAEMON = """\
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(200):
            open(sys.argv[1], 'a').write('.')
            time.sleep(0.05)
    os._exit(0)
os.wait()
time.sleep(0.5)
pids = [name for name in os.listdir('/proc') if name.isdigit()]
zombies = [pid for pid in pids if ') Z ' in open('/proc/%s/stat' % pid).read()]
print('launcher is', os.getppid(), 'zombies', zombies)
sys.exit(int(sys.argv[2]))
"""


@pytest.fixture
def launch(python, container, tmp_path):
    def launch(code):
        launcher = [
            python,
            str(container / "launch.py"),
            "--devices",
            "2",
            "--rank-env",
            "torch",
            "--grace",
            "3",
        ]
        return subprocess.run(
            [*NAMESPACE, *launcher, "--", python, "-c", DAEMON, str(tmp_path / "dots"), str(code)],
            env={"PATH": "/usr/bin:/bin", "TERMINATION_MESSAGE_PATH": str(tmp_path / "message")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )

    return launch


@pytest.mark.parametrize("code", [0, 7])
def test_orphans_are_reaped_and_ended(launch, tmp_path, code):
    result = launch(code)
    assert result.returncode == code, result.stdout
    assert "launcher is 1 zombies []" in result.stdout
    size = Path(tmp_path / "dots").stat().st_size
    time.sleep(0.3)
    assert Path(tmp_path / "dots").stat().st_size == size
