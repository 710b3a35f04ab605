"""Calls of tools, there and back."""

from __future__ import annotations

import json

import pytest

from support.serve_server import MODEL, Server

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
    with Server(python, "--context-length", "200") as running:
        running.wait_ready()
        yield running


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
        calls = [
            event["choices"][0]["delta"]["tool_calls"]
            for event in events
            if "tool_calls" in event["choices"][0]["delta"]
        ]
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

    @pytest.mark.parametrize(
        "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}]
    )
    def test_a_forced_tool(self, server, choice):
        message = self.call(server, "tool_call(city='x')", tool_choice=choice)["message"]
        assert message["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "x"}'}

    @pytest.mark.parametrize("bound", [2**63 - 1, -(2**63), 2**64 - 1])
    def test_a_parameter_may_have_the_bounds_of_64_bits(self, server, bound):
        parameters = {"type": "object", "properties": {"id": {"type": "integer", "maximum": bound}}}
        tool = {"type": "function", "function": {"name": "look_up", "parameters": parameters}}
        assert server.chat("hi", tools=[tool]).status == 200

    def test_a_forced_tool_that_is_not_there(self, server):
        reply = server.chat(
            CALL, tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "x"}}
        )
        assert reply.status == 400
        assert reply.error["message"] == (
            "'tool_choice' must be 'none', 'auto', 'required' (with one tool), or name one of the tools"
        )

    def test_results_go_back_to_the_model(self, server):
        asked = {"role": "user", "content": "weather?"}
        called = {
            "id": "c",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "北京"}'},
        }
        turns = [
            asked,
            {"role": "assistant", "tool_calls": [called]},
            {"role": "tool", "tool_call_id": "c", "content": "22 度"},
        ]
        reply = server.request(
            "POST", CHAT, {"model": MODEL, "messages": turns, "tools": [WEATHER], "max_tokens": 50}
        )
        assert reply.json["choices"][0]["message"]["content"] == "22 度"
