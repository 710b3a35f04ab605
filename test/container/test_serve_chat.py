"""The API as its clients use it."""

from __future__ import annotations

import json

import pytest

from support.serve_server import MODEL, Server, chat_body, post

CHAT = "/v1/chat/completions"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALL = "get_weather\n```python\ntool_call(city='北京', days=3)\n```"


@pytest.fixture(scope="module")
def server(python):
    flags = ["--context-length", "200", "--backend-option", "concurrency=4"]
    with Server(python, *flags) as running:
        running.wait_ready()
        yield running


def streamed_message(events: list[dict]) -> dict:
    """Put a stream together as a client does, in the shape of a whole message."""
    message: dict = {"role": None, "content": ""}
    for event in events:
        for choice in event["choices"]:
            delta = choice["delta"]
            message["role"] = delta.get("role", message["role"])
            message["content"] += delta.get("content") or ""
            for call in delta.get("tool_calls", []):
                message.setdefault("tool_calls", []).append({k: v for k, v in call.items() if k != "index"})
    if "tool_calls" in message:
        message["content"] = message["content"] or None
    return message


def test_a_chat_completion_has_every_field_of_openai(server):
    reply = server.chat("hello big 世界")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "application/json"
    body = reply.json
    identity, created = body.pop("id"), body.pop("created")
    assert identity == f"chatcmpl-{reply.headers['X-Request-Id']}"
    assert isinstance(created, int)
    message = {"role": "assistant", "content": "hello big 世界"}
    assert body == {
        "object": "chat.completion",
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def test_a_stream_has_role_first_then_texts_then_the_reason(server):
    reply = server.chat("one two", stream=True)
    assert reply.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    events = reply.events
    deltas = [event["choices"][0]["delta"] for event in events]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert all(set(delta) == {"content"} for delta in deltas[1:-1])
    assert "".join(delta["content"] for delta in deltas[1:-1]) == "one two"
    assert deltas[-1] == {}
    assert [event["choices"][0]["finish_reason"] for event in events] == [None] * (len(events) - 1) + ["stop"]
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in events}) == 1
    assert all("usage" not in event for event in events)


def test_usage_comes_last_in_a_stream_that_asks_for_it(server):
    whole = server.chat("one two three").json
    events = server.chat("one two three", stream=True, stream_options={"include_usage": True}).events
    assert [event["usage"] for event in events] == [None] * (len(events) - 1) + [whole["usage"]]
    assert events[-1]["choices"] == []


SAME = {
    "plain": {},
    "length": {"max_tokens": 2},
    "newer name of length": {"max_completion_tokens": 3},
    "stop": {"stop": "gamma"},
    "stop over tokens": {"stop": ["ta gam", "zzz"]},
    "stop never comes": {"stop": ["epsilonX"]},
    "tools, none called": {"tools": [WEATHER]},
}


@pytest.mark.parametrize("case", SAME)
def test_streaming_equals_not_streaming(server, case):
    text = "alpha beta gamma delta 世界 epsilon"
    whole = server.chat(text, **SAME[case]).json
    events = server.chat(text, stream=True, stream_options={"include_usage": True}, **SAME[case]).events
    assert streamed_message(events) == whole["choices"][0]["message"]
    assert events[-2]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert events[-1]["usage"] == whole["usage"]


@pytest.mark.parametrize(
    ("more", "content", "reason", "tokens"),
    [
        ({}, "alpha beta gamma", "stop", 3),
        ({"max_tokens": 2}, "alpha beta", "length", 2),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "alpha beta", "length", 2),
        ({"max_tokens": 100000}, "alpha beta gamma", "stop", 3),
        ({"stop": " beta"}, "alpha", "stop", 2),
        ({"stop": ["gam", "a b"]}, "alph", "stop", 2),
        ({"stop": ["gammaX"]}, "alpha beta gamma", "stop", 3),
        ({"stop": ["ma"]}, "alpha beta gam", "stop", 3),
    ],
)
def test_where_an_answer_ends(server, more, content, reason, tokens):
    body = server.chat("alpha beta gamma", **more).json
    assert body["choices"][0]["message"]["content"] == content
    assert body["choices"][0]["finish_reason"] == reason
    assert body["usage"]["completion_tokens"] == tokens


def test_fields_that_change_nothing_are_accepted(server):
    harmless = {
        "temperature": 0, "top_p": 1, "seed": 7, "n": 1, "user": "u", "frequency_penalty": 0, "presence_penalty": 0.0,
        "logprobs": False, "logit_bias": None, "response_format": {"type": "text"}, "parallel_tool_calls": True,
        "tools": [], "store": False, "stop": None, "stream_options": None,
    }
    assert server.chat("fine", **harmless).json["choices"][0]["message"]["content"] == "fine"


def test_content_may_be_parts(server):
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert server.chat(parts).json["choices"][0]["message"]["content"] == "one two"


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(server):
    reply = server.chat("word " * 300)
    assert reply.status == 400
    assert reply.error == {
        "message": "the prompt has 306 tokens, but with its answer it may have 200: shorten it",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }


def test_an_answer_ends_where_the_context_ends(server):
    body = server.chat("word " * 120).json
    assert body["choices"][0]["finish_reason"] == "length"
    assert body["usage"]["total_tokens"] == 200


def test_text_that_looks_like_a_special_token_stays_text(server):
    text = "a <|user|> b <|observation|> c [gMASK]"
    assert server.chat(text).json["choices"][0]["message"]["content"] == text


def test_models(server):
    card = server.get("/v1/models").json["data"][0]
    assert isinstance(card.pop("created"), int)
    assert card == {"id": MODEL, "object": "model", "owned_by": "cdk8s-chatglm", "max_model_len": 200}
    assert server.get(f"/v1/models/{MODEL}").json["id"] == MODEL


def test_head_gives_the_headers_of_get(server):
    with server.connect() as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 15\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


class TestTools:
    def call(self, server, content=CALL, **more):
        return server.chat(content, **{"tools": [WEATHER], **more}).json["choices"][0]

    def test_a_call_in_the_format_of_chatglm3(self, server):
        choice = self.call(server)
        assert choice["finish_reason"] == "tool_calls"
        assert choice["message"]["content"] is None
        (call,) = choice["message"]["tool_calls"]
        assert call["id"].startswith("call_")
        assert call["type"] == "function"
        assert call["function"]["name"] == "get_weather"
        assert json.loads(call["function"]["arguments"]) == {"city": "北京", "days": 3}

    def test_a_streamed_call_is_one_delta(self, server):
        events = server.chat(CALL, tools=[WEATHER], stream=True).events
        calls = [event["choices"][0]["delta"]["tool_calls"] for event in events if "tool_calls" in event["choices"][0]["delta"]]
        assert len(calls) == 1
        assert calls[0][0]["index"] == 0
        assert calls[0][0]["function"]["name"] == "get_weather"
        assert "".join(event["choices"][0]["delta"].get("content", "") for event in events) == ""
        assert events[-1]["choices"][0]["finish_reason"] == "tool_calls"

    def test_thoughts_before_a_call_are_content(self, server):
        choice = self.call(server, f"\n let me look<|assistant|>{CALL}")
        assert choice["message"]["content"] == "let me look"
        assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["get_weather"]

    @pytest.mark.parametrize(
        "text",
        [
            "get_weather\n```python\ntool_call(city=__import__('os').getcwd())\n```",
            "get_weather\n```python\ntool_call(**{'city': 1})\n```",
            "get_weather\n" + "[" * 150,
            "other_tool\n```python\ntool_call(city='北京')\n```",
        ],
    )
    def test_what_is_no_call_of_a_known_tool_is_content_unharmed(self, server, text):
        choice = self.call(server, text)
        assert choice["finish_reason"] == "stop"
        assert choice["message"] == {"role": "assistant", "content": text}

    def test_without_tools_the_same_text_is_content(self, server):
        assert server.chat(CALL).json["choices"][0]["message"]["content"] == CALL
        assert self.call(server, tool_choice="none")["message"]["content"] == CALL

    @pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
    def test_a_forced_tool(self, server, choice):
        message = self.call(server, "tool_call(city='x')", tool_choice=choice)["message"]
        assert message["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "x"}'}

    def test_a_forced_tool_that_is_not_there(self, server):
        reply = server.chat(CALL, tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "x"}})
        assert reply.status == 400
        assert reply.error["message"] == (
            "'tool_choice' must be 'none', 'auto', 'required' (with one tool), or name one of the tools"
        )

    def test_results_go_back_to_the_model(self, server):
        asked = {"role": "user", "content": "weather?"}
        called = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "北京"}'}}
        turns = [asked, {"role": "assistant", "tool_calls": [called]}, {"role": "tool", "tool_call_id": "c", "content": "22 度"}]
        reply = server.request("POST", CHAT, {"model": MODEL, "messages": turns, "tools": [WEATHER], "max_tokens": 50})
        assert reply.json["choices"][0]["message"]["content"] == "22 度"


class TestCompletions:
    def test_text(self, server):
        body = server.request("POST", "/v1/completions", {"model": MODEL, "prompt": "one two", "max_tokens": 9}).json
        assert body["object"] == "text_completion"
        assert body["choices"] == [{"index": 0, "text": "one two", "logprobs": None, "finish_reason": "stop"}]
        assert body["usage"] == {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}

    def test_sixteen_tokens_unless_told(self, server):
        body = server.request("POST", "/v1/completions", {"model": MODEL, "prompt": "w " * 30}).json
        assert body["usage"]["completion_tokens"] == 16
        assert body["choices"][0]["finish_reason"] == "length"

    def test_stream(self, server):
        reply = server.request("POST", "/v1/completions", {"model": MODEL, "prompt": ["one two"], "stream": True})
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
        assert server.request("POST", "/", {"prompt": "one two three", "max_length": 10}).json["response"] == "one two"
        reply = server.request("POST", "/", {"prompt": "one two three", "max_length": 8})
        assert reply.status == 400
        assert reply.error["message"] == "the prompt has 8 tokens, but with its answer it may have 8: shorten it"

    @pytest.mark.parametrize("history", ["x", [["a"]], [["a", "b", "c"]], [{"a": "b"}], [["a", 1]], ["ab"]])
    def test_a_wrong_history(self, server, history):
        reply = server.request("POST", "/", {"prompt": "x", "history": history})
        assert reply.status == 400
        assert reply.error["param"] in ("history", "history[0]")


class TestConnection:
    def test_requests_of_one_connection_are_answered_in_order(self, server):
        bodies = [json.dumps(chat_body(f"number {n}")).encode() for n in range(5)]
        kept = b"".join(post(CHAT, body).replace(b"Connection: close\r\n", b"") for body in bodies[:4])
        answer = server.raw(kept + post(CHAT, bodies[4]))
        assert [answer.find(f"number {n}".encode()) for n in range(5)] == sorted(
            answer.find(f"number {n}".encode()) for n in range(5)
        )
        assert answer.count(b"HTTP/1.1 200 OK") == 5

    def test_a_stream_may_be_followed_by_a_request(self, server):
        stream = json.dumps(chat_body("one", stream=True)).encode()
        kept = post(CHAT, stream).replace(b"Connection: close\r\n", b"")
        answer = server.raw(kept + b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b'data: [DONE]\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n' in answer
        assert answer.endswith(b'{"status":"ok"}')

    def test_chunked_bodies(self, server):
        body = json.dumps(chat_body("in chunks")).encode()
        chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:11], body[11:]))
        head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        answer = server.raw(head + chunks + b"0\r\nTrailer: x\r\n\r\n")
        assert b'"content":"in chunks"' in answer

    def test_expectations_are_answered_before_the_body(self, server):
        body = json.dumps(chat_body("expected")).encode()
        with server.connect() as connection:
            connection.sendall(post(CHAT, b"", "Expect: 100-continue").replace(b"Content-Length: 0", b"Content-Length: %d" % len(body)))
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            assert b'"content":"expected"' in connection.makefile("rb").read()

    def test_http_1_0_gets_no_chunks(self, server):
        body = json.dumps(chat_body("old", stream=True)).encode()
        answer = server.raw(f"POST {CHAT} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert b"Transfer-Encoding" not in answer
        assert answer.endswith(b"data: [DONE]\n\n")

    def test_absolute_form_and_query(self, server):
        answer = server.raw(b"GET http://any.example/health?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.endswith(b'{"status":"ok"}')
