"""Bytes that are no HTTP, or that two readers could read in two ways: refused, and the server serves on."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest

from support.serve_malformed import FLAGS, check_refused
from support.serve_server import Server, chat_body, post

CHAT = "/v1/chat/completions"
LINE = "the request line is not 'METHOD target HTTP/1.1'"
ENDING = "lines must end with a carriage return and a line feed"
HEADER = "a header is not 'Name: value' in one line"
LENGTH = "Content-Length is not a decimal number"
CODING = "the only Transfer-Encoding that is understood is 'chunked'"
CHUNK = "a chunk does not begin with its size in hexadecimal digits"
LARGE = "the body is longer than 100000 bytes"
LONG_HEADERS = "the headers are longer than 32768 bytes"
SLOW_HEADERS = "the headers did not arrive within 0.4 seconds"
SLOW_BODY = "the body did not arrive within 0.4 seconds"


@pytest.fixture(scope="module")
def server(python):
    with Server(python, *FLAGS) as running:
        running.wait_ready()
        yield running


def head(*lines: str, first: str = "POST /v1/chat/completions HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines]).encode("latin-1") + b"\r\n\r\n"


CHUNKED = head("Host: x", "Transfer-Encoding: chunked")
FRAMING = {
    "empty line only, then rubbish": (b"\r\nrubbish\r\n\r\n", 400, LINE),
    "binary": (bytes(range(256)) + b"\r\n\r\n", 400, ENDING),
    "TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, LINE),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2.0 is not spoken here: use HTTP/1.1"),
    "HTTP/0.9": (b"GET /health\r\n\r\n", 400, LINE),
    "HTTP/1.2": (
        head("Host: x", first="GET /health HTTP/1.2"),
        505,
        "HTTP/1.2 is not spoken here: use HTTP/1.1",
    ),
    "HTTP/9.9": (
        head("Host: x", first="GET /health HTTP/9.9"),
        505,
        "HTTP/9.9 is not spoken here: use HTTP/1.1",
    ),
    "lower-case protocol": (head("Host: x", first="GET /health http/1.1"), 400, LINE),
    "two spaces": (head("Host: x", first="GET  /health HTTP/1.1"), 400, LINE),
    "tab for a space": (head("Host: x", first="GET\t/health HTTP/1.1"), 400, LINE),
    "space in the path": (head("Host: x", first="GET /a b HTTP/1.1"), 400, LINE),
    "NUL in the path": (head("Host: x", first="GET /\0 HTTP/1.1"), 400, LINE),
    "no host": (
        head("Accept: */*", first="GET /health HTTP/1.1"),
        400,
        "a request of HTTP/1.1 needs a Host header",
    ),
    "two hosts": (
        head("Host: x", "Host: y", first="GET /health HTTP/1.1"),
        400,
        "the header host is there twice",
    ),
    "bare line feeds": (b"GET /health HTTP/1.1\nHost: x\n\n", 400, ENDING),
    "bare carriage return in a header": (head("Host: x", "A: b\rC: d"), 400, ENDING),
    "folded header": (head("Host: x", "A: b", " c"), 400, HEADER),
    "space before the colon": (head("Host: x", "Content-Length : 0"), 400, HEADER),
    "header without colon": (head("Host: x", "nonsense"), 400, HEADER),
    "header without name": (head("Host: x", ": value"), 400, HEADER),
    "NUL in a header": (head("Host: x", "A: \0"), 400, HEADER),
    "very long request line": (
        b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
        414,
        "the request line is longer than 8192 bytes",
    ),
    "very long header": (head("Host: x", "A: " + "b" * 40000), 431, LONG_HEADERS),
    "very long headers together": (
        head("Host: x", *[f"A{n}: {'b' * 900}" for n in range(50)]),
        431,
        LONG_HEADERS,
    ),
    "very many headers": (
        head("Host: x", *[f"A{n}: b" for n in range(200)]),
        431,
        "there are more than 100 headers",
    ),
    "negative length": (head("Host: x", "Content-Length: -1"), 400, LENGTH),
    "signed length": (head("Host: x", "Content-Length: +5"), 400, LENGTH),
    "hexadecimal length": (head("Host: x", "Content-Length: 0x5"), 400, LENGTH),
    "length in other digits": (head("Host: x", "Content-Length: \xb2"), 400, LENGTH),
    "two lengths": (
        head("Host: x", "Content-Length: 5", "Content-Length: 6") + b"aaaaaa",
        400,
        "the header content-length is there twice",
    ),
    "list of lengths": (head("Host: x", "Content-Length: 5, 5") + b"aaaaa", 400, LENGTH),
    "length and chunks": (
        head("Host: x", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        400,
        "Content-Length and Transfer-Encoding exclude each other",
    ),
    "unknown coding": (head("Host: x", "Transfer-Encoding: gzip"), 501, CODING),
    "hidden coding": (head("Host: x", "Transfer-Encoding: xchunked"), 501, CODING),
    "two codings": (head("Host: x", "Transfer-Encoding: gzip, chunked"), 501, CODING),
    "chunks in HTTP/1.0": (
        head("Transfer-Encoding: chunked", first=f"POST {CHAT} HTTP/1.0"),
        400,
        "Transfer-Encoding needs HTTP/1.1",
    ),
    "chunk without size": (CHUNKED + b"zz\r\n", 400, CHUNK),
    "chunk of negative size": (CHUNKED + b"-1\r\n", 400, CHUNK),
    "chunk of huge size": (CHUNKED + b"ffffffff\r\n", 413, LARGE),
    "chunk of endless size": (CHUNKED + b"1" * 3000, 400, CHUNK),
    "chunk longer than it says": (CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n", 400, "a chunk is longer than it says"),
    "endless trailers": (
        CHUNKED + b"0\r\n" + b"A: b\r\n" * 500,
        431,
        "the trailers after the last chunk are too long",
    ),
    "body too large": (head("Host: x", "Content-Length: 100001"), 413, LARGE),
    "body absurdly large": (head("Host: x", "Content-Length: 999999999999999"), 413, LARGE),
    "length beyond any number": (head("Host: x", "Content-Length: " + "9" * 40), 400, LENGTH),
    "chunks too large together": (CHUNKED + b"ffff\r\n" + b"a" * 65535 + b"\r\nffff\r\n", 413, LARGE),
    "unknown expectation": (
        head("Host: x", "Content-Length: 5", "Expect: magic"),
        417,
        "the only Expect that is understood is '100-continue'",
    ),
    "headers never end": (b"GET /health HTTP/1.1\r\nHost: x\r\n", 408, SLOW_HEADERS),
    "request line never ends": (b"GET /hea", 408, SLOW_HEADERS),
    "body never ends": (head("Host: x", "Content-Length: 50") + b"{", 408, SLOW_BODY),
    "chunks never end": (CHUNKED + b"1\r\n{\r\n", 408, SLOW_BODY),
}


@pytest.mark.parametrize("case", FRAMING)
def test_bad_framing_is_refused_and_closed(server, case):
    check_refused(server, *FRAMING[case])


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


@pytest.mark.parametrize("path", ["/nothing", "/health"])
def test_a_body_that_was_not_read_is_not_the_next_request(server, path):
    smuggled = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = server.raw(post(path, smuggled).replace(b"Connection: close\r\n", b""))
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
