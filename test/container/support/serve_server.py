"""A server process for tests, and plain ways to talk to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Iterator

CONTAINER = Path(__file__).resolve().parents[3] / "container"
MODEL = "chatglm3-6b"


class Reply:
    """A whole response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def events(self) -> list[Any]:
        """The JSON of server-sent events, which must end with [DONE]."""
        lines = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        assert lines[-1] == "[DONE]", self.body
        return [json.loads(line) for line in lines[:-1]]


class Server:
    """`serve_model.py --backend echo` as a process; a context manager that stops it."""

    def __init__(
        self, python: str, *flags: str, script: Path | None = None, env: dict[str, str] | None = None
    ):
        script = script or CONTAINER / "serve_model.py"
        given = ["--model-name", MODEL, "--host", "127.0.0.1", "--port", "0", "--drain-delay", "0.2"]
        backend = [] if "--backend" in flags else ["--backend", "echo"]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        self.process = subprocess.Popen(
            [python, str(script), *backend, *given, *flags],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        self.lines: list[str] = []
        self._listening = threading.Event()
        self.port = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(20):
            raise AssertionError(f"the server did not start: {self.lines}")

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            found = re.search(r"listening on .*:(\d+)$", line.rstrip())
            if found:
                self.port = int(found.group(1))
                self._listening.set()
        self._listening.set()

    def says(self, text: str) -> None:
        """Wait for a line of the log; it may come after the answer that it belongs to."""
        eventually(lambda: any(text in line for line in self.lines), f"the log says {text}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(5)

    def end(self, number: int = signal.SIGTERM, timeout: float = 20) -> int:
        """Signal the process and return its exit code."""
        self.process.send_signal(number)
        return self.ended(timeout)

    def ended(self, timeout: float = 20) -> int:
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        try:
            connection.request(method, path, data, headers or {})
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, headers=headers)

    def chat(self, content: Any = "hello", **more: Any) -> Reply:
        return self.request("POST", "/v1/chat/completions", chat_body(content, **more))

    def connect(self, timeout: float = 20) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, data: bytes, timeout: float = 20) -> bytes:
        """Send bytes and return all that comes until the server closes."""
        with self.connect(timeout) as connection:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # the server had seen enough
                connection.sendall(data)
            return b"".join(received(connection))

    def metric(self, name: str) -> float:
        """The value of a metric; its labels are part of the name; absent is 0."""
        for line in self.get("/metrics").body.decode().splitlines():
            if line.startswith(f"chatglm_{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def wait_ready(self) -> None:
        eventually(lambda: self.get("/ready").status == 200, "the server is ready", timeout=60)

    def wait_metric(self, name: str, value: float) -> None:
        eventually(lambda: self.metric(name) == value, f"{name} is {value}")


def received(connection: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            data = connection.recv(65536)
        except ConnectionResetError:
            return
        if not data:
            return
        yield data


def chat_body(content: Any = "hello", **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **more}


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A whole POST as bytes, which asks to close afterwards."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def stream_bytes(content: str) -> bytes:
    """A whole POST that asks for a stream."""
    return post("/v1/chat/completions", json.dumps(chat_body(content, stream=True)).encode())


def in_background(call: Any) -> Any:
    """Start a call on a thread; returns a function that waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()

    def result():
        thread.join(30)
        assert results, "the call did not end"
        return results[0]

    return result


def eventually(holds: Any, what: str, timeout: float = 15) -> None:
    limit = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < limit, f"never came true: {what}"
        time.sleep(0.02)
