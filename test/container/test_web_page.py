"""serve_web.py with a stand-in for gradio, in front of the real server with the echo backend."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from support.script import Script
from support.serve_server import MODEL, Server, eventually

STUBS = Path(__file__).parent / "support/stub_gradio"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Page:
    """serve_web.py as a process."""

    def __init__(self, python, container, folder, server, *flags, **env):
        self.port = free_port()
        self.script = Script(python, container, "serve_web", folder)
        given = [
            "--server",
            server,
            "--model-name",
            MODEL,
            "--host",
            "127.0.0.1",
            "--port",
            self.port,
            *flags,
        ]
        self.process = self.script.start(*given, PYTHONPATH=str(STUBS), **env)

    def __enter__(self):
        eventually(self._answers, "the page is there")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def ask(self, question, pairs=(), max_tokens=100, temperature=0.5, top_p=0.8):
        """All states of the page: the conversation, and what the question's field holds."""
        body = json.dumps([question, pairs, max_tokens, temperature, top_p]).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", body, timeout=30) as reply:
            return [json.loads(line) for line in reply]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=20)
        return self.process.returncode, output


@pytest.fixture(scope="module")
def server(python):
    with Server(python, "--api-keys-env", "KEYS", env={"KEYS": "first,second"}) as server:
        server.wait_ready()
        yield server


@pytest.fixture(scope="module")
def page(python, container, tmp_path_factory, server):
    folder = tmp_path_factory.mktemp("page")
    address = f"http://127.0.0.1:{server.port}"
    # A file with a key a line, as the server reads it too: the first key alone may stand in a header.
    with Page(python, container, folder, address, "--api-keys-env", "KEYS", KEYS="first\nsecond\n") as page:
        yield page


class TestConversation:
    def test_the_answer_grows(self, page):
        states = page.ask("one two three")
        texts = [pairs[-1][1] for pairs, _ in states]
        assert texts[-1] == "one two three"
        assert all(later.startswith(sooner) for sooner, later in zip(texts, texts[1:]))
        assert all(field == "" for _, field in states)

    def test_the_history_is_told_to_the_model(self, page, server):
        before = server.metric("prompt_tokens_total")
        page.ask("x")
        eventually(lambda: server.metric("prompt_tokens_total") > before, "the first prompt is counted")
        alone = server.metric("prompt_tokens_total") - before
        pairs, _ = page.ask("x", [["你好", "你好吗"]])[-1]
        assert pairs == [["你好", "你好吗"], ["x", "x"]]
        eventually(lambda: server.metric("prompt_tokens_total") - before > 2 * alone, "the second is longer")

    def test_the_longest_answer_is_the_servers_limit(self, page):
        assert page.ask("one two three", max_tokens=2)[-1][0] == [["one two three", "one two"]]

    def test_an_empty_question_asks_nothing(self, page):
        assert page.ask("  ", [["a", "b"]]) == [[[["a", "b"]], ""]]


class TestFailure:
    def test_what_the_server_refuses_is_shown_and_the_question_stays(self, page):
        question = "好" * 9000
        ((pairs, field),) = page.ask(question)
        assert field == question
        said = pairs[-1][1]
        assert said.startswith("⚠ the prompt has ")
        assert said.endswith(" tokens, but with its answer it may have 8192: shorten it")

    def test_a_failure_is_no_part_of_the_conversation(self, page):
        assert page.ask("x", [["a", "⚠ the server does not answer"], ["b", "c"]])[-1][0] == [
            ["b", "c"],
            ["x", "x"],
        ]

    def test_a_server_that_is_not_there_is_told(self, python, container, tmp_path):
        port = free_port()
        with Page(python, container, tmp_path, f"http://127.0.0.1:{port}") as page:
            assert page.ask("x") == [
                [[["x", "⚠ the server does not answer: [Errno 111] Connection refused"]], "x"]
            ]
            code, output = page.end()
        assert code == 0
        assert f"INFO serve_web: the page is at port {page.port}, and asks http://127.0.0.1:{port}" in output
        assert f"stub gradio: page '{MODEL}'\nstub gradio: ['Textbox', 'Button', 'Button']" in output
        assert "stub gradio: closed" in output

    def test_a_missing_key_is_refused_by_the_server(self, python, container, tmp_path, server):
        with Page(python, container, tmp_path, f"http://127.0.0.1:{server.port}") as page:
            ((pairs, _),) = page.ask("x")
        assert "key" in pairs[-1][1]


@pytest.mark.parametrize(
    ("flags", "env", "code", "cause"),
    [
        (
            ["--server", "127.0.0.1:8000"],
            {},
            31,
            "--server is '127.0.0.1:8000': it must be like http://127.0.0.1:8000",
        ),
        (
            ["--api-keys-env", "NONE"],
            {},
            31,
            "--api-keys-env names 'NONE', which is unset or empty: set it to the API keys",
        ),
        (
            [],
            {"PYTHONPATH": ""},
            30,
            "this image cannot import 'gradio' (No module named 'gradio'): use one that has gradio 3 or 4",
        ),
    ],
)
def test_mistakes_end_with_their_code_and_cause(python, container, tmp_path, flags, env, code, cause):
    script = Script(python, container, "serve_web", tmp_path)
    given = {"PYTHONPATH": str(STUBS), **env}
    assert script.run("--model-name", "m", *flags, **given)[0] == code
    assert script.cause == cause
