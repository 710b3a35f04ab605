"""A model hub on this machine as a far one would feel: a latency before each answer, a limit for each connection.

Speaks what the measured tools need: plain files, the Hugging Face API and the git-lfs batch API. Runs as a process of
its own: `server.py FOLDER RATE LATENCY` prints its port. `GET /-/sent` tells the bytes of bodies sent so far.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY, COMMIT = "bench/model", "c0" * 20
TICK_SECONDS = 0.01


@cache
def digests(path: Path) -> tuple[str, str]:
    """Return the sha256 and the git blob id of a file."""
    data = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return hashlib.sha256(data).hexdigest(), blob


def is_big(name: str) -> bool:
    """Whether the hub keeps the file by LFS."""
    return name.endswith((".bin", ".model"))


class Hub(ThreadingHTTPServer):
    """The files of `folder`, at most `rate` bytes a second a connection, `latency` seconds before each answer."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, rate: float, latency: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.rate, self.latency = folder, rate, latency
        self.sent = 0
        self.lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed are part of the measurement."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_arguments: object) -> None:
        """Say nothing: the measured tools share the processor."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/-/sent":
            self._json({"sent": self.server.sent})
            return
        time.sleep(self.server.latency)
        if path.startswith("/api/models/"):
            self._api(path)
            return
        match = re.fullmatch(r"/(?:files|lfs/(?P<oid>[0-9a-f]{64})|bench/model/resolve/[^/]+)(?:/(?P<name>.+))?", path)
        name = match and (match["name"] or self._by_oid(match["oid"]))
        if name and (self.server.folder / name).is_file():
            self._file(self.server.folder / name)
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.latency)
        host = self.headers["Host"]
        objects = [
            {**wanted, "actions": {"download": {"href": f"http://{host}/lfs/{wanted['oid']}"}}}
            for wanted in body["objects"]
        ]
        self._json({"transfer": "basic", "objects": objects}, "application/vnd.git-lfs+json")

    def _by_oid(self, oid: str) -> str | None:
        return next((name for name in self.server.names if digests(self.server.folder / name)[0] == oid), None)

    def _api(self, path: str) -> None:
        entries = []
        for name in self.server.names:
            file = self.server.folder / name
            sha256, blob = digests(file)
            size = file.stat().st_size
            lfs = {"lfs": {"oid": sha256, "size": size, "pointerSize": 130}} if is_big(name) else {}
            entries.append({"type": "file", "path": name, "size": size, "oid": blob, **lfs})
        if "/tree/" in path:
            self._json(entries)
            return
        siblings = [{"rfilename": entry["path"]} for entry in entries]
        self._json({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []})

    def _json(self, value: object, media: str = "application/json") -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _file(self, path: Path) -> None:
        size = path.stat().st_size
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(match[1]) if match else 0
        end = min(int(match[2]) + 1, size) if match and match[2] else size
        self.send_response(206 if match else 200)
        if match:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        sha256, blob = digests(path)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{sha256 if is_big(path.name) else blob}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command != "HEAD":
            self._body(path, start, end)

    def _body(self, path: Path, start: int, end: int) -> None:
        rate, began, first = self.server.rate, time.monotonic(), start
        with path.open("rb") as file:
            while start < end:
                allowed = int((time.monotonic() - began + TICK_SECONDS) * rate) - (start - first)
                if allowed < 4096:
                    time.sleep(TICK_SECONDS)
                    continue
                count = self.connection.sendfile(file, start, min(allowed, end - start, 1 << 20))
                start += count
                with self.server.lock:
                    self.server.sent += count


if __name__ == "__main__":
    hub = Hub(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
    for file_name in hub.names:
        digests(hub.folder / file_name)
    sys.stdout.write(f"{hub.server_address[1]}\n")
    sys.stdout.flush()
    hub.serve_forever()
