"""Plain completions, and the interface of the models' own api.py."""

from __future__ import annotations

import pytest

from support.serve_server import MODEL, Server


@pytest.fixture(scope="module")
def server(python):
    with Server(python, "--context-length", "200") as running:
        running.wait_ready()
        yield running


class TestCompletions:
    def test_text(self, server):
        body = server.request(
            "POST", "/v1/completions", {"model": MODEL, "prompt": "one two", "max_tokens": 9}
        ).json
        assert body["object"] == "text_completion"
        assert body["choices"] == [{"index": 0, "text": "one two", "logprobs": None, "finish_reason": "stop"}]
        assert body["usage"] == {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}

    def test_sixteen_tokens_unless_told(self, server):
        body = server.request("POST", "/v1/completions", {"model": MODEL, "prompt": "w " * 30}).json
        assert body["usage"]["completion_tokens"] == 16
        assert body["choices"][0]["finish_reason"] == "length"

    def test_stream(self, server):
        reply = server.request(
            "POST", "/v1/completions", {"model": MODEL, "prompt": ["one two"], "stream": True}
        )
        assert "".join(event["choices"][0]["text"] for event in reply.events) == "one two"
        assert reply.events[-1]["choices"][0]["finish_reason"] == "stop"

    @pytest.mark.parametrize("prompt", [None, 7, ["a", "b"], [1, 2], []])
    def test_other_prompts_are_refused(self, server, prompt):
        reply = server.request("POST", "/v1/completions", {"model": MODEL, "prompt": prompt})
        assert reply.status == 400
        assert reply.error["message"] == (
            "'prompt' must be one text: token ids and several prompts are not supported"
        )


class TestSeedApi:
    def test_prompt_and_history(self, server):
        body = server.request("POST", "/", {"prompt": "你好", "history": [["a", "b"]]}).json
        assert len(body.pop("time")) == 19
        assert body == {"response": "你好", "history": [["a", "b"], ["你好", "你好"]], "status": 200}

    def test_all_fields(self, server):
        given = {"prompt": "one two", "history": [], "max_length": 100, "top_p": 0.7, "temperature": 0.95}
        assert server.request("POST", "/", given).json["response"] == "one two"

    def test_max_length_counts_the_prompt(self, server):
        assert (
            server.request("POST", "/", {"prompt": "one two three", "max_length": 10}).json["response"]
            == "one two"
        )
        reply = server.request("POST", "/", {"prompt": "one two three", "max_length": 8})
        assert reply.status == 400
        assert (
            reply.error["message"] == "the prompt has 8 tokens, but with its answer it may have 8: shorten it"
        )

    @pytest.mark.parametrize("history", ["x", [["a"]], [["a", "b", "c"]], [{"a": "b"}], [["a", 1]], ["ab"]])
    def test_a_wrong_history(self, server, history):
        reply = server.request("POST", "/", {"prompt": "x", "history": history})
        assert reply.status == 400
        assert reply.error["param"] in ("history", "history[0]")
