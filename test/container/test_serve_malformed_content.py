"""Well-formed HTTP with content that is refused, and paths that are not there."""

from __future__ import annotations

import json

import pytest

from support.serve_malformed import FLAGS, check_refused
from support.serve_server import Server, chat_body, post

CHAT = "/v1/chat/completions"
DEEP = "the JSON is nested deeper than 64 levels"
STOP = "'stop' must be a text, or up to 4 texts, of 1 to 256 characters"


@pytest.fixture(scope="module")
def server(python):
    with Server(python, *FLAGS) as running:
        running.wait_ready()
        yield running


def nested(depth: int) -> bytes:
    return b'{"model":"chatglm3-6b","messages":' + b"[" * depth + b"]" * depth + b"}"


def chat(**changes) -> bytes:
    return post(CHAT, json.dumps({**chat_body(), **changes}).encode())


def messages(*given) -> bytes:
    return chat(messages=list(given))


CONTENT = {
    "empty body": (post(CHAT, b""), 400, "the body is empty: a JSON object is needed"),
    "not JSON": (
        post(CHAT, b"model=chatglm3-6b"),
        400,
        "the body is not JSON: Expecting value: line 1 column 1 (char 0)",
    ),
    "half of JSON": (
        post(CHAT, b'{"model": "chat'),
        400,
        "the body is not JSON: Unterminated string starting at: line 1 column 11 (char 10)",
    ),
    "JSON and more": (
        post(CHAT, b"{} {}"),
        400,
        "the body is not JSON: Extra data: line 1 column 4 (char 3)",
    ),
    "not UTF-8": (post(CHAT, b'{"model": "\xff\xfe"}'), 400, "the body is not UTF-8: the byte at 11 is 0xff"),
    "overlong UTF-8": (
        post(CHAT, b'{"model": "\xc0\xaf"}'),
        400,
        "the body is not UTF-8: the byte at 11 is 0xc0",
    ),
    "UTF-16": (
        post(CHAT, json.dumps(chat_body()).encode("utf-16")),
        400,
        "the body is not UTF-8: the byte at 0 is 0xff",
    ),
    "byte order mark": (
        post(CHAT, b"\xef\xbb\xbf{}"),
        400,
        "the body is not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
    ),
    "half a surrogate pair": (
        post(CHAT, b'{"model": "chatglm3-6b", "user": "\\ud800"}'),
        400,
        "the JSON has half of a surrogate pair, which is not a character",
    ),
    "NaN": (
        post(CHAT, json.dumps(chat_body(temperature=float("nan"))).encode()),
        400,
        "the body is not JSON: NaN is not a JSON number",
    ),
    "Infinity": (
        post(CHAT, json.dumps(chat_body(top_p=float("inf"))).encode()),
        400,
        "the body is not JSON: Infinity is not a JSON number",
    ),
    "number beyond floats": (
        post(CHAT, json.dumps(chat_body())[:-1].encode() + b', "temperature": 1e999}'),
        400,
        "'temperature' is inf: it must be from 0 to 2",
    ),
    "integer of 50,000 digits": (
        post(CHAT, b'{"n": ' + b"7" * 50000 + b"}"),
        400,
        "the body is not JSON: an integer has more than 20 digits",
    ),
    "seed beyond 64 bits": (
        chat(seed=2**63),
        400,
        f"'seed' is {2**63}: it must be at most {2**63 - 1}",
    ),
    "array": (post(CHAT, b"[]"), 400, "the body is a JSON array: an object is needed"),
    "string": (post(CHAT, b'"hello"'), 400, "the body is a JSON string: an object is needed"),
    "null": (post(CHAT, b"null"), 400, "the body is a JSON null: an object is needed"),
    "nested 100 deep": (post(CHAT, nested(100)), 400, DEEP),
    "nested 40,000 deep": (post(CHAT, nested(40000)), 400, DEEP),
    "no model": (chat(model=None), 400, "'model' is missing"),
    "other model": (
        chat(model="gpt-4"),
        404,
        "the model 'gpt-4' does not exist: this server has 'chatglm3-6b'",
    ),
    "model is a number": (chat(model=7), 400, "'model' is of the type number: it must be a string"),
    "no messages": (chat(messages=None), 400, "'messages' is missing or empty"),
    "empty messages": (messages(), 400, "'messages' is missing or empty"),
    "messages is a text": (
        chat(messages="hello"),
        400,
        "'messages' is of the type string: it must be an array",
    ),
    "message is a text": (
        messages("hello"),
        400,
        "'messages[0]' is of the type string: it must be an object",
    ),
    "message without role": (messages({"content": "hello"}), 400, "'messages[0].role' is missing"),
    "message of an unknown role": (
        messages({"role": "root", "content": "hello"}),
        400,
        "'messages[0].role' is 'root': it must be one of system, developer, user, assistant, tool",
    ),
    "message without content": (messages({"role": "user"}), 400, "'messages[0].content' is missing"),
    "content is a number": (
        messages({"role": "user", "content": 7}),
        400,
        "'messages[0].content' is of the type number: it must be a string",
    ),
    "content is an image": (
        messages({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
        400,
        "'messages[0].content[0].type' is 'image_url': this model reads text only",
    ),
    "last message is the assistant's": (
        messages({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}),
        400,
        "'messages[1].role' is 'assistant': the last message must come from the user or a tool",
    ),
    "stream is a text": (chat(stream="yes"), 400, "'stream' is of the type string: it must be a boolean"),
    "stream options is an array": (
        chat(stream=True, stream_options=[]),
        400,
        "'stream_options' is of the type array: it must be an object",
    ),
    "max_tokens is 0": (chat(max_tokens=0), 400, "'max_tokens' is 0: it must be at least 1"),
    "max_tokens is a fraction": (
        chat(max_tokens=1.5),
        400,
        "'max_tokens' is of the type number: it must be a whole number",
    ),
    "max_tokens is true": (
        chat(max_tokens=True),
        400,
        "'max_tokens' is of the type boolean: it must be a whole number",
    ),
    "temperature is negative": (chat(temperature=-1), 400, "'temperature' is -1: it must be from 0 to 2"),
    "temperature is a text": (
        chat(temperature="hot"),
        400,
        "'temperature' is of the type string: it must be a number",
    ),
    "top_p is 2": (chat(top_p=2), 400, "'top_p' is 2: it must be from 0 to 1"),
    "stop is a number": (chat(stop=5), 400, STOP),
    "stop has an empty text": (chat(stop=[""]), 400, STOP),
    "five stops": (chat(stop=["a", "b", "c", "d", "e"]), 400, STOP),
    "two answers": (chat(n=2), 400, "'n' is not supported: leave it out, or let it be 1"),
    "logprobs": (chat(logprobs=True), 400, "'logprobs' is not supported: leave it out"),
    "JSON mode": (
        chat(response_format={"type": "json_object"}),
        400,
        "'response_format' is not supported: leave it out, or let its type be 'text'",
    ),
    "tools is an object": (chat(tools={}), 400, "'tools' is of the type object: it must be an array"),
    "tool without a name": (
        chat(tools=[{"type": "function", "function": {}}]),
        400,
        "'tools[0].function.name' is missing",
    ),
    "tool that is no function": (
        chat(tools=[{"type": "browser"}]),
        400,
        "'tools[0].type' is 'browser': only tools of the type 'function' with a 'function' are understood",
    ),
    "tool call with broken arguments": (
        messages(
            {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{"}}]},
            {"role": "tool", "content": "x"},
        ),
        400,
        "'messages[0].tool_calls[0].function.arguments' is not the text of a JSON object",
    ),
}

PATHS = {
    "unknown": ("GET", "/nothing", 404),
    "parent of the root": ("GET", "/../../etc/passwd", 404),
    "parent in the middle": ("GET", "/v1/../health", 404),
    "encoded parent": ("GET", "/%2e%2e/health", 404),
    "double slash": ("GET", "//health", 404),
    "encoded slash": ("GET", "/v1%2fmodels", 404),
    "trailing dot": ("GET", "/health/.", 404),
    "backslash": ("GET", "/v1\\models", 404),
    "model that is not there": ("GET", "/v1/models/..%2f..%2fetc", 404),
    "star": ("OPTIONS", "*", 404),
    "GET where POST belongs": ("GET", CHAT, 405),
    "POST where GET belongs": ("POST", "/health", 405),
    "unknown method": ("BREW", "/health", 405),
    "CONNECT": ("CONNECT", "example:443", 404),
}


@pytest.mark.parametrize("case", CONTENT)
def test_bad_content_is_refused(server, case):
    check_refused(server, *CONTENT[case])


@pytest.mark.parametrize("case", PATHS)
def test_paths_are_exact(server, case):
    method, path, status = PATHS[case]
    known = {CHAT: "POST", "/health": "GET"}
    message = f"there is nothing at '{path}'"
    if status == 405:
        message = f"{method} is not a method of '{path}': use {known[path]}"
    elif path.startswith("/v1/models/"):
        message = "the model '../../etc' does not exist: this server has 'chatglm3-6b'"
    check_refused(
        server, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), status, message
    )


def test_after_all_of_this_the_server_serves_and_has_not_failed(server):
    assert server.chat("fine").status == 200
    assert not [line for line in server.lines if "Traceback" in line or "a handler failed" in line]
    assert server.metric('requests_total{route="/v1/chat/completions",code="500"}') == 0
