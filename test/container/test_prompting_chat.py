"""chat_session.py as somebody has it who attaches to the pod: through a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import time

import pytest

MODEL = ["--backend", "echo", "--model-name", "chatglm3-6b"]


class Attached:
    """chat_session.py with a terminal of its own."""

    def __init__(self, python, container, *flags):
        self.terminal, inside = pty.openpty()
        self.said = ""
        self.process = subprocess.Popen(
            [python, str(container / "chat_session.py"), *MODEL, *flags],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C"},
            start_new_session=True,
        )
        os.close(inside)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, pattern, timeout=20):
        """Read until the pattern appears in what was not yet looked at."""
        limit = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.said)
            if found:
                self.said = self.said[found.end() :]
                return found
            assert time.monotonic() < limit, f"{pattern!r} did not come: {self.said!r}"
            with contextlib.suppress(OSError):  # the end of the process closes the terminal
                self.said += os.read(self.terminal, 65536).decode("utf-8", "replace").replace("\r\n", "\n")

    def ask(self, text):
        """Type a line, and wait for its answer and the next prompt."""
        self.type(f"{text}\n")
        return self.wait_for(rf"{re.escape(text)}\n((?:.|\n)*?)\n> ").group(1).strip("\n")

    def end(self):
        return self.process.wait(timeout=20)


@pytest.fixture
def chat(python, container):
    with Attached(python, container) as attached:
        attached.wait_for("\n> ")
        yield attached


def test_questions_are_answered_with_the_history(python, container):
    with Attached(python, container, "--context-length", "60", "--max-tokens", "5") as chat:
        hint = chat.wait_for(r"This is .*\n").group()
        assert hint == (
            "This is chatglm3-6b. /clear forgets the conversation, /quit ends; "
            "so do 30 minutes without a question.\n"
        )
        chat.wait_for("> ")
        assert chat.ask("你好 GLM") == "你好 GLM"
        # the prompt grows until the oldest rounds have no place any more
        said = [chat.ask("one two three four five six seven") for _ in range(4)]
        assert said[0] == "one two three four five"
        assert said[-1] == (
            "(the oldest question and answer no longer fit, and are forgotten)\none two three four five"
        )
        assert chat.ask("/clear") == "(forgotten)"
        assert chat.ask("one two three four five six seven") == "one two three four five"
        chat.type("/quit\n")
        assert chat.end() == 0


def test_a_question_longer_than_the_context_is_refused_and_forgotten(python, container):
    with Attached(python, container, "--context-length", "12") as chat:
        chat.wait_for("\n> ")
        assert (
            chat.ask("好" * 20)
            == "(the prompt has 25 tokens, but with its answer it may have 12: shorten it)"
        )
        assert chat.ask("好") == "好"


def test_control_c_ends_the_answer_and_not_the_session(python, container):
    with Attached(python, container, "--backend-option", "tokens-per-second=5") as chat:
        chat.wait_for("\n> ")
        chat.type("a b c d e f g h i j k l m n o p q r s t u v w x y z\n")
        chat.wait_for("y z\na b")
        chat.process.send_signal(signal.SIGINT)
        chat.wait_for(r"\(stopped\)\n\n> ")
        assert chat.ask("again") == "again"


def test_it_ends_by_itself_when_nobody_asks(python, container):
    with Attached(python, container, "--idle-minutes", "0.01") as chat:
        chat.wait_for("INFO chat: idle for 0.01 minutes: done")
        assert chat.end() == 0


def test_it_ends_when_told_to(chat):
    chat.process.terminate()
    chat.wait_for("INFO chat: told to stop: done")
    assert chat.end() == 0


def test_it_ends_when_nobody_can_ask(chat):
    chat.type("\x04")
    chat.wait_for("INFO chat: the input is closed: done")
    assert chat.end() == 0


def test_an_empty_line_asks_nothing(chat):
    chat.type("\n")
    chat.wait_for("\n\n> ")


def test_bytes_that_are_no_text_do_not_end_it(chat):
    os.write(chat.terminal, b"\xff\xfe x\n")
    chat.wait_for("\ufffd x\n.*\ufffd x\n\n> ")
    assert chat.ask("still there") == "still there"


@pytest.mark.parametrize("minutes", ["0", "-1", "soon"])
def test_no_idle_time_is_refused(python, container, minutes):
    argv = [python, str(container / "chat_session.py"), *MODEL, "--idle-minutes", minutes]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 20
    assert f"argument --idle-minutes: {minutes!r} is not a number of minutes above 0" in done.stdout
