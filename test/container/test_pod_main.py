"""The frame around entry files: exit codes, log lines and termination messages."""

from __future__ import annotations

import re
import subprocess

import pytest
from pod import exit_codes
from pod.exit_codes import Fault, is_permanent
from pod.termination import LIMIT, report

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from pod.arguments import Parser
from pod.exit_codes import CHECKSUM, Fault
from pod.main import run

def parse():
    parser = Parser(prog="tool")
    parser.add_argument("--count", type=int, required=True)
    parser.parse_args(["--count", "many"])

def fail(error):
    raise error

BODIES = {
    "done": lambda: 0,
    "fault": lambda: fail(Fault(CHECKSUM, "权重 model.bin is corrupt")),
    "unforeseen": lambda: fail(ZeroDivisionError("by zero")),
    "interrupted": lambda: fail(KeyboardInterrupt()),
    "usage": parse,
}
sys.exit(run("tool", BODIES[sys.argv[2]]))
"""

CASES = [
    ("done", 0, None),
    ("fault", 23, "权重 model.bin is corrupt"),
    ("unforeseen", 40, "ZeroDivisionError: by zero"),
    ("interrupted", 42, "interrupted"),
    ("usage", 20, "argument --count: invalid int value: 'many'; usage: tool [-h] --count COUNT"),
]


@pytest.mark.parametrize(("body", "code", "cause"), CASES)
def test_every_way_to_end(python, container, tmp_path, body, code, cause):
    message = tmp_path / "message"
    environment = {"TERMINATION_MESSAGE_PATH": str(message), "LC_ALL": "C"}
    done = subprocess.run([python, "-c", PROGRAM, str(container), body], env=environment, capture_output=True)
    assert done.returncode == code
    assert (message.read_text("utf-8") if message.exists() else None) == cause
    if cause is not None:
        line = done.stdout.decode("utf-8").strip()
        assert re.fullmatch(r"\d{4}-\d\d-\d\d [\d:,]+ ERROR tool: " + re.escape(f"{cause} (exit code {code})"), line)
    assert done.stderr == b""


def test_permanent_codes_are_those_that_retrying_cannot_help():
    codes = {name: value for name, value in vars(exit_codes).items() if name.isupper()}
    permanent = {name for name, value in codes.items() if is_permanent(value)}
    assert set(codes) - permanent == {"DONE", "TRANSIENT", "DEADLINE", "TERMINATED", "LEASE_LOST", "WAITING"}
    assert len(set(codes.values())) == len(codes)


@pytest.mark.parametrize(
    ("cause", "kept"), [("x" * 5000, "x" * LIMIT), ("密" * 2000, "密" * (LIMIT // 3)), ("short", "short")]
)
def test_the_message_is_cut_at_a_character(tmp_path, monkeypatch, cause, kept):
    monkeypatch.setenv("TERMINATION_MESSAGE_PATH", str(tmp_path / "message"))
    report(cause)
    assert (tmp_path / "message").read_text("utf-8") == kept


def test_a_message_that_cannot_be_written_is_no_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("TERMINATION_MESSAGE_PATH", str(tmp_path / "absent" / "message"))
    report("cause")
    assert not (tmp_path / "absent").exists()


def test_a_fault_carries_its_code():
    fault = Fault(exit_codes.NO_SPACE, "full")
    assert (fault.code, str(fault)) == (24, "full")
