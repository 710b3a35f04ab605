"""Requests that no well-behaved client sends: the right status, and the server serves on."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from support.serve_server import Server, chat_body, post

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server(python):
    flags = ["--max-body-bytes", "100000", "--header-timeout", "0.4", "--body-timeout", "0.4", "--keep-alive", "5"]
    with Server(python, *flags) as running:
        running.wait_ready()
        yield running


def head(*lines: str, first: str = "POST /v1/chat/completions HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines]).encode("latin-1") + b"\r\n\r\n"


def nested(depth: int) -> bytes:
    return b'{"model":"chatglm3-6b","messages":' + b"[" * depth + b"]" * depth + b"}"


def chat(**changes) -> bytes:
    return post(CHAT, json.dumps({**chat_body(), **changes}).encode())


def messages(*given) -> bytes:
    return chat(messages=list(given))


FRAMING = {
    "empty line only, then rubbish": (b"\r\nrubbish\r\n\r\n", 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "binary": (bytes(range(256)) + b"\r\n\r\n", 400, "lines must end with a carriage return and a line feed"),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2.0 is not spoken here: use HTTP/1.1"),
    "HTTP/0.9": (b"GET /health\r\n\r\n", 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "HTTP/1.2": (head("Host: x", first="GET /health HTTP/1.2"), 505, "HTTP/1.2 is not spoken here: use HTTP/1.1"),
    "HTTP/9.9": (head("Host: x", first="GET /health HTTP/9.9"), 505, "HTTP/9.9 is not spoken here: use HTTP/1.1"),
    "lower-case protocol": (head("Host: x", first="GET /health http/1.1"), 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "two spaces": (head("Host: x", first="GET  /health HTTP/1.1"), 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "tab for a space": (head("Host: x", first="GET\t/health HTTP/1.1"), 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "space in the path": (head("Host: x", first="GET /a b HTTP/1.1"), 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "NUL in the path": (head("Host: x", first="GET /\0 HTTP/1.1"), 400, "the request line is not 'METHOD target HTTP/1.1'"),
    "no host": (head("Accept: */*", first="GET /health HTTP/1.1"), 400, "a request of HTTP/1.1 needs a Host header"),
    "two hosts": (head("Host: x", "Host: y", first="GET /health HTTP/1.1"), 400, "the header host is there twice"),
    "bare line feeds": (b"GET /health HTTP/1.1\nHost: x\n\n", 400, "lines must end with a carriage return and a line feed"),
    "bare carriage return in a header": (head("Host: x", "A: b\rC: d"), 400, "lines must end with a carriage return and a line feed"),
    "folded header": (head("Host: x", "A: b", " c"), 400, "a header is not 'Name: value' in one line"),
    "space before the colon": (head("Host: x", "Content-Length : 0"), 400, "a header is not 'Name: value' in one line"),
    "header without colon": (head("Host: x", "nonsense"), 400, "a header is not 'Name: value' in one line"),
    "header without name": (head("Host: x", ": value"), 400, "a header is not 'Name: value' in one line"),
    "NUL in a header": (head("Host: x", "A: \0"), 400, "a header is not 'Name: value' in one line"),
    "very long request line": (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n", 414, "the request line is longer than 8192 bytes"),
    "very long header": (head("Host: x", "A: " + "b" * 40000), 431, "the headers are longer than 32768 bytes"),
    "very long headers together": (head("Host: x", *[f"A{n}: {'b' * 900}" for n in range(50)]), 431, "the headers are longer than 32768 bytes"),
    "very many headers": (head("Host: x", *[f"A{n}: b" for n in range(200)]), 431, "there are more than 100 headers"),
    "negative length": (head("Host: x", "Content-Length: -1"), 400, "Content-Length is not a decimal number"),
    "signed length": (head("Host: x", "Content-Length: +5"), 400, "Content-Length is not a decimal number"),
    "hexadecimal length": (head("Host: x", "Content-Length: 0x5"), 400, "Content-Length is not a decimal number"),
    "length in other digits": (head("Host: x", "Content-Length: \xb2"), 400, "Content-Length is not a decimal number"),
    "two lengths": (head("Host: x", "Content-Length: 5", "Content-Length: 6") + b"aaaaaa", 400, "the header content-length is there twice"),
    "list of lengths": (head("Host: x", "Content-Length: 5, 5") + b"aaaaa", 400, "Content-Length is not a decimal number"),
    "length and chunks": (head("Host: x", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400, "Content-Length and Transfer-Encoding exclude each other"),
    "unknown coding": (head("Host: x", "Transfer-Encoding: gzip"), 501, "the only Transfer-Encoding that is understood is 'chunked'"),
    "hidden coding": (head("Host: x", "Transfer-Encoding: xchunked"), 501, "the only Transfer-Encoding that is understood is 'chunked'"),
    "two codings": (head("Host: x", "Transfer-Encoding: gzip, chunked"), 501, "the only Transfer-Encoding that is understood is 'chunked'"),
    "chunks in HTTP/1.0": (head("Transfer-Encoding: chunked", first=f"POST {CHAT} HTTP/1.0"), 400, "Transfer-Encoding needs HTTP/1.1"),
    "chunk without size": (head("Host: x", "Transfer-Encoding: chunked") + b"zz\r\n", 400, "a chunk does not begin with its size in hexadecimal digits"),
    "chunk of negative size": (head("Host: x", "Transfer-Encoding: chunked") + b"-1\r\n", 400, "a chunk does not begin with its size in hexadecimal digits"),
    "chunk of huge size": (head("Host: x", "Transfer-Encoding: chunked") + b"ffffffff\r\n", 413, "the body is longer than 100000 bytes"),
    "chunk of endless size": (head("Host: x", "Transfer-Encoding: chunked") + b"1" * 3000, 400, "a chunk does not begin with its size in hexadecimal digits"),
    "chunk longer than it says": (head("Host: x", "Transfer-Encoding: chunked") + b"2\r\nabcd\r\n0\r\n\r\n", 400, "a chunk is longer than it says"),
    "endless trailers": (head("Host: x", "Transfer-Encoding: chunked") + b"0\r\n" + b"A: b\r\n" * 500, 431, "the trailers after the last chunk are too long"),
    "body too large": (head("Host: x", "Content-Length: 100001"), 413, "the body is longer than 100000 bytes"),
    "body absurdly large": (head("Host: x", "Content-Length: 999999999999999"), 413, "the body is longer than 100000 bytes"),
    "length beyond any number": (head("Host: x", "Content-Length: " + "9" * 40), 400, "Content-Length is not a decimal number"),
    "chunks too large together": (head("Host: x", "Transfer-Encoding: chunked") + b"ffff\r\n" + b"a" * 65535 + b"\r\nffff\r\n", 413, "the body is longer than 100000 bytes"),
    "unknown expectation": (head("Host: x", "Content-Length: 5", "Expect: magic"), 417, "the only Expect that is understood is '100-continue'"),
    "headers never end": (b"GET /health HTTP/1.1\r\nHost: x\r\n", 408, "the headers did not arrive within 0.4 seconds"),
    "request line never ends": (b"GET /hea", 408, "the headers did not arrive within 0.4 seconds"),
    "body never ends": (head("Host: x", "Content-Length: 50") + b"{", 408, "the body did not arrive within 0.4 seconds"),
    "chunks never end": (head("Host: x", "Transfer-Encoding: chunked") + b"1\r\n{\r\n", 408, "the body did not arrive within 0.4 seconds"),
}

CONTENT = {
    "empty body": (post(CHAT, b""), 400, "the body is empty: a JSON object is needed"),
    "not JSON": (post(CHAT, b"model=chatglm3-6b"), 400, "the body is not JSON: Expecting value: line 1 column 1 (char 0)"),
    "half of JSON": (post(CHAT, b'{"model": "chat'), 400, "the body is not JSON: Unterminated string starting at: line 1 column 11 (char 10)"),
    "JSON and more": (post(CHAT, b"{} {}"), 400, "the body is not JSON: Extra data: line 1 column 4 (char 3)"),
    "not UTF-8": (post(CHAT, b'{"model": "\xff\xfe"}'), 400, "the body is not UTF-8: the byte at 11 is 0xff"),
    "overlong UTF-8": (post(CHAT, b'{"model": "\xc0\xaf"}'), 400, "the body is not UTF-8: the byte at 11 is 0xc0"),
    "UTF-16": (post(CHAT, json.dumps(chat_body()).encode("utf-16")), 400, "the body is not UTF-8: the byte at 0 is 0xff"),
    "byte order mark": (post(CHAT, b"\xef\xbb\xbf{}"), 400, "the body is not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"),
    "half a surrogate pair": (post(CHAT, b'{"model": "chatglm3-6b", "user": "\\ud800"}'), 400, "the JSON has half of a surrogate pair, which is not a character"),
    "NaN": (post(CHAT, json.dumps(chat_body(temperature=float("nan"))).encode()), 400, "the body is not JSON: NaN is not a JSON number"),
    "Infinity": (post(CHAT, json.dumps(chat_body(top_p=float("inf"))).encode()), 400, "the body is not JSON: Infinity is not a JSON number"),
    "number beyond floats": (post(CHAT, json.dumps(chat_body())[:-1].encode() + b', "temperature": 1e999}'), 400, "'temperature' is inf: it must be from 0 to 2"),
    "integer of 50,000 digits": (post(CHAT, b'{"n": ' + b"7" * 50000 + b"}"), 400, "the body is not JSON: an integer has more than 18 digits"),
    "array": (post(CHAT, b"[]"), 400, "the body is a JSON array: an object is needed"),
    "string": (post(CHAT, b'"hello"'), 400, "the body is a JSON string: an object is needed"),
    "null": (post(CHAT, b"null"), 400, "the body is a JSON null: an object is needed"),
    "nested 100 deep": (post(CHAT, nested(100)), 400, "the JSON is nested deeper than 64 levels"),
    "nested 40,000 deep": (post(CHAT, nested(40000)), 400, "the JSON is nested deeper than 64 levels"),
    "no model": (chat(model=None), 400, "'model' is missing"),
    "other model": (chat(model="gpt-4"), 404, "the model 'gpt-4' does not exist: this server has 'chatglm3-6b'"),
    "model is a number": (chat(model=7), 400, "'model' is of the type number: it must be a string"),
    "no messages": (chat(messages=None), 400, "'messages' is missing or empty"),
    "empty messages": (messages(), 400, "'messages' is missing or empty"),
    "messages is a text": (chat(messages="hello"), 400, "'messages' is of the type string: it must be an array"),
    "message is a text": (messages("hello"), 400, "'messages[0]' is of the type string: it must be an object"),
    "message without role": (messages({"content": "hello"}), 400, "'messages[0].role' is missing"),
    "message of an unknown role": (messages({"role": "root", "content": "hello"}), 400, "'messages[0].role' is 'root': it must be one of system, developer, user, assistant, tool"),
    "message without content": (messages({"role": "user"}), 400, "'messages[0].content' is missing"),
    "content is a number": (messages({"role": "user", "content": 7}), 400, "'messages[0].content' is of the type number: it must be a string"),
    "content is an image": (messages({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}), 400, "'messages[0].content[0].type' is 'image_url': this model reads text only"),
    "last message is the assistant's": (messages({"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}), 400, "'messages[1].role' is 'assistant': the last message must come from the user or a tool"),
    "stream is a text": (chat(stream="yes"), 400, "'stream' is of the type string: it must be a boolean"),
    "stream options is an array": (chat(stream=True, stream_options=[]), 400, "'stream_options' is of the type array: it must be an object"),
    "max_tokens is 0": (chat(max_tokens=0), 400, "'max_tokens' is 0: it must be at least 1"),
    "max_tokens is a fraction": (chat(max_tokens=1.5), 400, "'max_tokens' is of the type number: it must be a whole number"),
    "max_tokens is true": (chat(max_tokens=True), 400, "'max_tokens' is of the type boolean: it must be a whole number"),
    "temperature is negative": (chat(temperature=-1), 400, "'temperature' is -1: it must be from 0 to 2"),
    "temperature is a text": (chat(temperature="hot"), 400, "'temperature' is of the type string: it must be a number"),
    "top_p is 2": (chat(top_p=2), 400, "'top_p' is 2: it must be from 0 to 1"),
    "stop is a number": (chat(stop=5), 400, "'stop' must be a text, or up to 4 texts, of 1 to 256 characters"),
    "stop has an empty text": (chat(stop=[""]), 400, "'stop' must be a text, or up to 4 texts, of 1 to 256 characters"),
    "five stops": (chat(stop=["a", "b", "c", "d", "e"]), 400, "'stop' must be a text, or up to 4 texts, of 1 to 256 characters"),
    "two answers": (chat(n=2), 400, "'n' is not supported: leave it out, or let it be 1"),
    "logprobs": (chat(logprobs=True), 400, "'logprobs' is not supported: leave it out"),
    "JSON mode": (chat(response_format={"type": "json_object"}), 400, "'response_format' is not supported: leave it out, or let its type be 'text'"),
    "tools is an object": (chat(tools={}), 400, "'tools' is of the type object: it must be an array"),
    "tool without a name": (chat(tools=[{"type": "function", "function": {}}]), 400, "'tools[0].function.name' is missing"),
    "tool that is no function": (chat(tools=[{"type": "browser"}]), 400, "'tools[0].type' is 'browser': only tools of the type 'function' with a 'function' are understood"),
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


def check(server: Server, data: bytes, status: int, message: str) -> None:
    answer = server.raw(data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert error["message"] == message
    assert set(error) == {"message", "type", "param", "code"}
    assert server.process.poll() is None


@pytest.mark.parametrize("case", FRAMING)
def test_bad_framing_is_refused_and_closed(server, case):
    check(server, *FRAMING[case])


@pytest.mark.parametrize("case", CONTENT)
def test_bad_content_is_refused(server, case):
    check(server, *CONTENT[case])


@pytest.mark.parametrize("case", PATHS)
def test_paths_are_exact(server, case):
    method, path, status = PATHS[case]
    known = {CHAT: "POST", "/health": "GET"}
    message = f"there is nothing at '{path}'"
    if status == 405:
        message = f"{method} is not a method of '{path}': use {known[path]}"
    elif path.startswith("/v1/models/"):
        message = "the model '../../etc' does not exist: this server has 'chatglm3-6b'"
    check(server, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), status, message)


def test_bad_content_does_not_end_the_connection(server):
    bad = post(CHAT, b"{").replace(b"Connection: close\r\n", b"")
    answer = server.raw(bad + post(CHAT, json.dumps(chat_body("still here")).encode()))
    assert answer.count(b"HTTP/1.1 ") == 2
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"still here" in answer


def test_after_bad_framing_nothing_more_is_read(server):
    smuggled = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    bad = head("Host: x", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + smuggled
    answer = server.raw(bad)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer


def test_a_client_that_drips_headers_is_cut_off(server):
    began = time.monotonic()
    with server.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        connection.settimeout(0.05)
        answer = b""
        while not answer and time.monotonic() - began < 5:
            connection.sendall(b"A: b\r\n")
            with contextlib.suppress(socket.timeout):
                answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 4


def test_a_client_that_leaves_in_the_middle_of_a_body_harms_nobody(server):
    for _ in range(20):
        with server.connect() as connection:
            connection.sendall(head("Host: x", "Content-Length: 50") + b'{"model"')
    assert server.chat("fine").json["choices"][0]["message"]["content"] == "fine"


def test_after_all_of_this_the_server_serves_and_has_not_failed(server):
    assert server.chat("fine").status == 200
    assert not [line for line in server.lines if "Traceback" in line or "a handler failed" in line]
    assert server.metric('requests_total{route="/v1/chat/completions",code="500"}') == 0
