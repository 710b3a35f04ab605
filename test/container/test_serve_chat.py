"""The API as its clients use it."""

from __future__ import annotations

import pytest

from support.serve_server import MODEL, Server

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


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
        "temperature": 0,
        "top_p": 1,
        "seed": 7,
        "n": 1,
        "user": "u",
        "frequency_penalty": 0,
        "presence_penalty": 0.0,
        "logprobs": False,
        "logit_bias": None,
        "response_format": {"type": "text"},
        "parallel_tool_calls": True,
        "tools": [],
        "store": False,
        "stop": None,
        "stream_options": None,
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
