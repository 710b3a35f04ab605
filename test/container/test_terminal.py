"""LLM-TPU's program on a terminal, with a stand-in for it."""

from __future__ import annotations

import signal
import stat
import time

import pytest
from terminal import idle

from support.patience import until
from support.script import Script

PROGRAM = """#!/bin/sh
echo "started with $*"
while read -r question; do
  [ "$question" = exit ] && { echo bye; exit 0; }
  sleep "${ANSWER_SECONDS:-0}"
  echo "Answer: $question"
done
echo "end of input"
"""


@pytest.fixture
def chat(python, container, tmp_path):
    program = tmp_path / "program" / "chatglm"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    model = tmp_path / "model"
    model.mkdir()
    (model / "chatglm3-6b_f16_2dev.bmodel").write_text("compiled")
    devices = tmp_path / "dev"
    devices.mkdir()
    for number in (2, 11):
        (devices / f"bm-sophon{number}").touch()
    script = Script(python, container, "chat_program", tmp_path)
    arguments = ["--program", program, "--model-path", model, "--devices", 2, "--device-folder", devices]
    return script, arguments


def test_it_runs_on_the_numbers_of_the_pods_devices(chat, tmp_path):
    script, arguments = chat
    code, log = script.run(*arguments)
    assert code == 0
    expected = f"--model {tmp_path}/model/chatglm3-6b_f16_2dev.bmodel --tokenizer {tmp_path}/model/tokenizer.model"
    assert f"started with {expected} --devid 2,11" in log


def test_nobody_typing_ends_it(chat):
    script, arguments = chat
    process = script.start(*arguments, "--idle-minutes", 0.005, stdin=True)
    output = process.stdout.read()
    assert process.wait(10) == 0
    assert "no question for 0.005 minutes: ending" in output
    assert output.rstrip().endswith("bye")


def test_an_answer_that_is_being_written_is_heard_to_its_end(chat, tmp_path):
    """The program looks for its farewell only then: 512 tokens at 4 to 13 a second are 40 to 128 seconds."""
    script, arguments = chat
    process = script.start(*arguments, "--idle-minutes", 0.005, stdin=True, ANSWER_SECONDS="12")
    assert process.stdout.readline().startswith("started with")
    process.stdin.write("why?\n")
    process.stdin.flush()
    began = time.monotonic()
    output = process.stdout.read()
    assert (process.wait(10), 11 < time.monotonic() - began < 20) == (0, True)
    assert output.splitlines()[-2:] == ["Answer: why?", "bye"]
    assert idle.GRACE_SECONDS >= 512 / 4


def test_sigterm_ends_an_answer_at_once(chat):
    script, arguments = chat
    process = script.start(*arguments, "--idle-minutes", 0.005, stdin=True, ANSWER_SECONDS="30")
    process.stdin.write("why?\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith("started with")
    assert "no question for 0.005 minutes: ending" in process.stdout.readline()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    until(lambda: process.poll() is not None)
    assert (process.returncode, time.monotonic() - began < 5) == (143, True)


def test_sigterm_ends_it(chat):
    script, arguments = chat
    process = script.start(*arguments, stdin=True)
    assert process.stdout.readline().startswith("started with")
    process.send_signal(signal.SIGTERM)
    until(lambda: process.poll() is not None)
    assert process.returncode == 143


def test_another_number_of_devices_is_refused(chat, tmp_path):
    script, arguments = chat
    (tmp_path / "dev" / "bm-sophon2").unlink()
    assert script.run(*arguments)[0] == 31
    assert script.cause == (
        f"--devices is 2, but the TPUs in {tmp_path}/dev are 11; does the pod ask for as many as the bmodel was"
        " compiled for?"
    )


def test_a_bmodel_that_the_program_does_not_know_is_thought_of(chat, tmp_path):
    """demo.cpp only asserts: 'assert(ret)' of a network that is not there, and nothing else."""
    script, arguments = chat
    (tmp_path / "program" / "chatglm").write_text("#!/bin/sh\nkill -ABRT $$\n")
    code, output = script.run(*arguments)
    assert code == 134
    assert (
        "ERROR chat_program: an assertion of the program failed: is the bmodel for 2 devices, and of the sources that"
        " the program was built from (LLM-TPU@909f9dab)?"
    ) in output


def test_a_program_for_another_image_is_named(chat, tmp_path):
    script, arguments = chat
    (tmp_path / "program" / "chatglm").unlink()
    assert script.run(*arguments)[0] == 30
    assert script.cause == (
        f"cannot run {tmp_path}/program/chatglm: No such file or directory; was it built for this image?"
    )
