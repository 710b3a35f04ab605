"""What the tests of malformed requests share: the server's limits, and the check that it refused."""

from __future__ import annotations

import json

from support.serve_server import Server

FLAGS = [
    "--max-body-bytes",
    "100000",
    "--header-timeout",
    "0.4",
    "--body-timeout",
    "0.4",
    "--keep-alive",
    "5",
]


def check_refused(server: Server, data: bytes, status: int, message: str) -> None:
    """Send bytes; the answer is one error of OpenAI's form, whole, and the server is alive."""
    answer = server.raw(data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    error = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert error["message"] == message
    assert set(error) == {"message", "type", "param", "code"}
    assert server.process.poll() is None
