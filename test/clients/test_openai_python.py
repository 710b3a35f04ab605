"""OpenAI's own client for Python, used as its documentation shows."""

from __future__ import annotations

import asyncio
import json
import threading
import time

import openai
import pytest

from support.serve_server import MODEL, Server

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALL = "get_weather\n```python\ntool_call(city='北京')\n```"


def user(content):
    return [{"role": "user", "content": content}]


def test_models(client):
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL


def test_chat(client):
    answer = client.chat.completions.create(
        model=MODEL, messages=user("hello 世界"), temperature=0.5, max_tokens=10
    )
    assert answer.choices[0].message.content == "hello 世界"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        9,
        4,
        13,
    )


def test_stream_equals_whole(client):
    content = "one two three 四五六 seven"
    whole = client.chat.completions.create(model=MODEL, messages=user(content))
    stream = client.chat.completions.create(
        model=MODEL, messages=user(content), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert (
        "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
        == whole.choices[0].message.content
    )
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert chunks[-1].usage == whole.usage


def test_the_stream_comes_while_the_model_works(client):
    began = time.monotonic()
    first = None
    for chunk in client.chat.completions.create(model=MODEL, messages=user("word " * 100), stream=True):
        if chunk.choices[0].delta.content and first is None:
            first = time.monotonic() - began
    assert first < 0.2
    assert time.monotonic() - began > 0.4


def test_stop_and_length(client):
    answer = client.chat.completions.create(model=MODEL, messages=user("one two three"), stop=[" three"])
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("one two", "stop")
    answer = client.chat.completions.create(
        model=MODEL, messages=user("one two three"), max_completion_tokens=1
    )
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("one", "length")


@pytest.mark.parametrize("stream", [False, True])
def test_tools_there_and_back(client, stream):
    if stream:
        calls = [
            call
            for chunk in client.chat.completions.create(
                model=MODEL, messages=user(CALL), tools=[TOOL], stream=True
            )
            for call in chunk.choices[0].delta.tool_calls or []
        ]
    else:
        answer = client.chat.completions.create(model=MODEL, messages=user(CALL), tools=[TOOL])
        assert answer.choices[0].finish_reason == "tool_calls"
        calls = answer.choices[0].message.tool_calls
    (call,) = calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "北京"})
    called = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.function.name, "arguments": call.function.arguments},
    }
    turns = [
        *user(CALL),
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": call.id, "content": "22 度"},
    ]
    assert (
        client.chat.completions.create(model=MODEL, messages=turns, tools=[TOOL]).choices[0].message.content
        == "22 度"
    )


def test_completions(client):
    answer = client.completions.create(model=MODEL, prompt="one two", max_tokens=5)
    assert answer.choices[0].text == "one two"
    chunks = client.completions.create(model=MODEL, prompt="one two", stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "one two"


class TestErrors:
    def test_wrong_key(self, server):
        wrong = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="wrong", max_retries=0)
        with pytest.raises(openai.AuthenticationError) as caught:
            wrong.models.list()
        assert caught.value.code == "invalid_api_key"

    def test_wrong_model(self, client):
        with pytest.raises(openai.NotFoundError) as caught:
            client.chat.completions.create(model="gpt-4", messages=user("x"))
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")

    def test_wrong_value(self, client):
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=MODEL, messages=user("x"), temperature=9)
        assert caught.value.param == "temperature"
        assert caught.value.body["message"] == "'temperature' is 9: it must be from 0 to 2"

    def test_too_long(self, client):
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model=MODEL, messages=user("word " * 3000))
        assert caught.value.code == "context_length_exceeded"

    def test_a_full_queue(self, python):
        with Server(python, "--queue-size", "0", "--backend-option", "tokens-per-second=20") as server:
            server.wait_ready()
            client = openai.OpenAI(
                base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0
            )
            stream = client.chat.completions.create(model=MODEL, messages=user("word " * 100), stream=True)
            next(stream)
            with pytest.raises(openai.RateLimitError) as caught:
                client.chat.completions.create(model=MODEL, messages=user("x"))
            assert int(caught.value.response.headers["Retry-After"]) >= 1
            stream.close()

    def test_a_model_that_loads_is_waited_for_by_retries(self, python):
        with Server(python, "--backend-option", "load-seconds=2") as server:
            once = openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0)
            with pytest.raises(openai.InternalServerError) as caught:
                once.chat.completions.create(model=MODEL, messages=user("x"))
            assert caught.value.status_code == 503
            patient = once.with_options(max_retries=8)
            assert (
                patient.chat.completions.create(model=MODEL, messages=user("x")).choices[0].message.content
                == "x"
            )

    def test_a_deadline_in_a_stream_is_an_error_not_an_end(self, python):
        with Server(python, "--request-timeout", "0.5", "--backend-option", "tokens-per-second=50") as server:
            server.wait_ready()
            client = openai.OpenAI(
                base_url=f"http://127.0.0.1:{server.port}/v1", api_key="none", max_retries=0
            )
            with pytest.raises(openai.APIError) as caught:
                list(client.chat.completions.create(model=MODEL, messages=user("word " * 200), stream=True))
            assert caught.value.code == "deadline_exceeded"


class TestLeaving:
    def test_a_timeout_of_the_client_stops_the_model(self, client, server):
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.5).chat.completions.create(
                model=MODEL, messages=user("word " * 1000)
            )
        server.wait_metric("running", 0)

    def test_a_stream_that_is_closed_stops_the_model(self, client, server):
        stream = client.chat.completions.create(model=MODEL, messages=user("word " * 1000), stream=True)
        next(stream)
        server.wait_metric("running", 1)
        stream.close()
        server.wait_metric("running", 0)

    def test_a_cancelled_task_stops_the_model(self, server):
        async def leave() -> None:
            client = openai.AsyncOpenAI(
                base_url=f"http://127.0.0.1:{server.port}/v1", api_key="the-key", max_retries=0
            )
            asking = client.chat.completions.create(model=MODEL, messages=user("word " * 1000))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(asking, 0.5)
            await client.close()

        asyncio.run(leave())
        server.wait_metric("running", 0)


def test_many_threads_share_one_client(client):
    answers: dict[int, str] = {}

    def ask(number: int) -> None:
        content = f"number {number}"
        answers[number] = (
            client.chat.completions.create(model=MODEL, messages=user(content)).choices[0].message.content
        )

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: f"number {number}" for number in range(24)}
