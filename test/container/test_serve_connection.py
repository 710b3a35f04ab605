"""Many requests of one connection, and the less usual forms of HTTP/1.1."""

from __future__ import annotations

import json

import pytest

from support.serve_server import Server, chat_body, post

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server(python):
    with Server(python) as running:
        running.wait_ready()
        yield running


def test_head_gives_the_headers_of_get(server):
    with server.connect() as connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 15\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


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
        assert b"data: [DONE]\n\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n" in answer
        assert answer.endswith(b'{"status":"ok"}')

    def test_chunked_bodies(self, server):
        body = json.dumps(chat_body("in chunks")).encode()
        chunks = b"".join(
            b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (body[:10], body[10:11], body[11:])
        )
        lines = [f"POST {CHAT} HTTP/1.1", "Host: x", "Connection: close", "Transfer-Encoding: chunked"]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        answer = server.raw(head + chunks + b"0\r\nTrailer: x\r\n\r\n")
        assert b'"content":"in chunks"' in answer

    def test_expectations_are_answered_before_the_body(self, server):
        body = json.dumps(chat_body("expected")).encode()
        with server.connect() as connection:
            connection.sendall(
                post(CHAT, b"", "Expect: 100-continue").replace(
                    b"Content-Length: 0", b"Content-Length: %d" % len(body)
                )
            )
            assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(body)
            assert b'"content":"expected"' in connection.makefile("rb").read()

    def test_http_1_0_gets_no_chunks(self, server):
        body = json.dumps(chat_body("old", stream=True)).encode()
        answer = server.raw(f"POST {CHAT} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        assert b"Transfer-Encoding" not in answer
        assert answer.endswith(b"data: [DONE]\n\n")

    def test_absolute_form_and_query(self, server):
        answer = server.raw(
            b"GET http://any.example/health?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert answer.endswith(b'{"status":"ok"}')
