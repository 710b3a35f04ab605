"""Waiting for inputs."""

from __future__ import annotations

import signal
import time

import pytest
from artifacts import marker
from artifacts.marker import Marker

from support.script import Script


@pytest.fixture
def script(python, container, tmp_path):
    return Script(python, container, "wait_for_artifacts", tmp_path)


def test_ready_artifacts_are_no_wait(script, tmp_path):
    marker.write(tmp_path, Marker("n", "l", "f"))
    code, output = script.run("--artifact", tmp_path, "--timeout", 5, "--interval", 1)
    assert code == 0
    assert output.endswith("INFO wait_for_artifacts: 1 artifacts are ready\n")


def test_it_ends_soon_after_the_last_marker(script, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    marker.write(tmp_path / "a", Marker("a", "l", "f"))
    process = script.start(
        "--artifact", tmp_path / "a", "--artifact", tmp_path / "b", "--timeout", 20, "--interval", 0.1
    )
    line = process.stdout.readline()
    assert line.endswith(f"INFO wait_for_artifacts: waiting for {tmp_path / 'b'} (0 s of 20 s)\n")
    marker.write(tmp_path / "b", Marker("b", "l", "f"))
    assert process.wait(5) == 0


def test_the_limit_has_an_exit_code_of_its_own(script, tmp_path):
    code, output = script.run("--artifact", tmp_path / "absent", "--timeout", 0.2, "--interval", 0.1)
    cause = (
        f"waited 0 s for {tmp_path / 'absent'}: no marker .cdk8s-chatglm.json; "
        "look at the Job that makes it, then start this pod again"
    )
    assert code == 50
    assert script.cause == cause
    assert output.endswith(f"{cause} (exit code 50)\n")


def test_sigterm_ends_it_at_once(script, tmp_path):
    process = script.start("--artifact", tmp_path / "absent", "--timeout", 60, "--interval", 30)
    process.stdout.readline()
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 42
    assert time.monotonic() - started < 2
    assert script.cause == f"told to stop while waiting for {tmp_path / 'absent'}"


def test_wrong_usage(script):
    code, _ = script.run("--timeout", "5")
    assert code == 20
    assert script.cause.startswith("the following arguments are required: --artifact; usage: wait_for_artifacts")
