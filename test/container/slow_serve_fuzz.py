"""Thousands of damaged requests: run with `pytest slow_serve_fuzz.py`."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from collections import Counter

from support.serve_server import Server, chat_body, post, received

TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
CALL = "f\n```python\ntool_call(a=[1, {'b': 2}])\n```"
WHOLE = [
    post(
        "/v1/chat/completions", json.dumps(chat_body("hello", stream=True, tools=[TOOL], stop=["x"])).encode()
    ),
    post("/v1/chat/completions", json.dumps(chat_body(CALL, tools=[TOOL])).encode()),
    post(
        "/v1/completions", json.dumps({"model": "chatglm3-6b", "prompt": "one two", "max_tokens": 3}).encode()
    ),
    post("/", json.dumps({"prompt": "你好", "history": [["a", "b"]]}).encode(), "Expect: 100-continue"),
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
]
SPICE = [
    b"\r\n",
    b"\0",
    b"\xff",
    b"{",
    b"[" * 70,
    b'"',
    b":",
    b"-1",
    b"9" * 30,
    b" ",
    b"\\ud800",
    b"chunked",
    b"null",
    b"true",
]


def damaged(chance: random.Random) -> bytes:
    """Cut, repeat, overwrite or spice a request in a few places."""
    data = bytearray(chance.choice(WHOLE))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        size = chance.randint(0, 8)
        part = chance.choice(
            [b"", chance.choice(SPICE), bytes(data[at : at + size]) * 2, bytes([chance.randrange(256)])]
        )
        data[at : at + size] = part
    return bytes(data)


def test_no_damage_reaches_the_server(python):
    chance = random.Random(20231027)
    statuses: Counter[bytes] = Counter()
    with Server(python, "--header-timeout", "0.2", "--body-timeout", "0.2", "--keep-alive", "0.2") as server:
        server.wait_ready()
        for _ in range(4000):
            with server.connect(5) as connection, contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(damaged(chance))
                connection.shutdown(socket.SHUT_WR)
                statuses[b"".join(received(connection))[:12]] += 1
        assert server.chat("fine").json["choices"][0]["message"]["content"] == "fine"
        assert not [line for line in server.lines if "Traceback" in line or "failed" in line]
        known = {b"HTTP/1.1 %d" % code for code in (100, 200, 400, 404, 405, 408, 413, 417, 431, 501, 505)}
        assert set(statuses) - {b""} <= known
        assert statuses[b"HTTP/1.1 200"] > 100
        assert statuses[b"HTTP/1.1 400"] > 1000
        server.wait_metric("connections", 1)
        server.wait_metric("running", 0)
