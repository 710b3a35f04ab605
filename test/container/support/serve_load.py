"""Many streaming clients at once, on one event loop, and what they saw."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, NamedTuple

_PAUSE = 0.05


class Seen(NamedTuple):
    """One request: its status (0: no connection), seconds to the first text and to the end, and the texts."""

    status: int
    first: float
    whole: float
    texts: str


class Load:
    """`clients` connections, each asking again once it is answered, until `requests` are answered.

    The clients begin one after the other over `spread` seconds. After a 429 a client pauses, and goes on.
    """

    def __init__(self, port: int, model: str, prompt: str, clients: int, requests: int, spread: float = 0.0):
        self._port = port
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": prompt}]}
        data = json.dumps(body).encode()
        head = ["POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Type: application/json"]
        head.append(f"Content-Length: {len(data)}")
        self._request = "\r\n".join(head).encode() + b"\r\n\r\n" + data
        self._clients = clients
        self._left = requests
        self._spread = spread
        self.seen: list[Seen] = []
        self.seconds = 0.0

    def run(self) -> Load:
        began = time.perf_counter()
        asyncio.run(self._all())
        self.seconds = time.perf_counter() - began
        return self

    async def _all(self) -> None:
        await asyncio.gather(
            *(self._client(index * self._spread / self._clients) for index in range(self._clients))
        )

    async def _client(self, delay: float) -> None:
        await asyncio.sleep(delay)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while self._left > 0:
            self._left -= 1
            try:
                seen = await self._ask(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                seen = Seen(0, 0, 0, "")
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            self.seen.append(seen)
            if seen.status == 429:
                await asyncio.sleep(_PAUSE)
        writer.close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Seen:
        began = time.perf_counter()
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split(" ", 2)[1])
        if "transfer-encoding: chunked" not in head.lower():
            length = next(
                line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length")
            )
            return Seen(
                status, 0, time.perf_counter() - began, (await reader.readexactly(int(length))).decode()
            )
        texts: list[str] = []
        first = 0.0
        while True:
            chunk = await self._chunk(reader)
            if not chunk:
                return Seen(status, first, time.perf_counter() - began, "".join(texts))
            texts += _texts(chunk)
            if texts and not first:
                first = time.perf_counter() - began

    async def _chunk(self, reader: asyncio.StreamReader) -> bytes:
        size = int((await reader.readuntil(b"\r\n"))[:-2], 16)
        return (await reader.readexactly(size + 2))[:-2]


def _texts(chunk: bytes) -> list[str]:
    found: list[str] = []
    for line in chunk.decode().split("\n"):
        if not line.startswith("data: {"):
            continue
        event: dict[str, Any] = json.loads(line[6:])
        found += [choice["delta"]["content"] for choice in event["choices"] if choice["delta"].get("content")]
    return found


def percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
