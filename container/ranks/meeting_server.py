"""Pod 0's side of the meeting: a small HTTP server that needs the job's token.

`POST /beat` takes a `Beat` and gives a `Reply`; `POST /report` and `POST /leave` take leave.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
import threading
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from typing import Any, Dict, Iterator

from pod.exit_codes import BAD_SETTING, Fault
from ranks.meeting import Beat, Meeting

LARGEST_BODY = 1024 * 1024


class Desk:
    """Answers for a `Meeting`, one request at a time."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting
        self._lock = threading.Lock()

    def ask(self, path: str, body: Dict[str, Any]) -> Dict[str, Any]:
        """Answer `body` sent to `path`; raises `ValueError` where they are not of this protocol."""
        with self._lock:
            try:
                if path == "/beat":
                    return asdict(self._meeting.beat(Beat(**body)))
                if path == "/report":
                    return {"first": self._meeting.report(**body)}
                if path == "/leave":
                    self._meeting.leave(**body)
                    return {}
            except (TypeError, KeyError) as error:
                raise ValueError(f"{path} cannot be answered: {error}") from error
        raise ValueError(f"{path} is not known; there are /beat, /report and /leave")

    def all_told(self) -> bool:
        """Whether the other pods know of the end of the plan."""
        with self._lock:
            return self._meeting.all_told()


class MeetingServer(ThreadingMixIn, HTTPServer):
    """Serves `desk` to whoever has `token`, on all addresses."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, desk: Desk, port: int, token: str) -> None:
        self.desk = desk
        self.token = token
        self._answering = 0
        self._idle = threading.Condition()
        try:
            self._open(socket.AF_INET6, "::", port)
        except OSError:
            self._open_ipv4(port)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.socket.getsockname()[1])

    def start(self) -> None:
        """Serve in the background."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True, name="meeting").start()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request for as long as its answer is not sent."""
        with self._idle:
            self._answering += 1
        try:
            yield
        finally:
            with self._idle:
                self._answering -= 1
                self._idle.notify_all()

    def see_off(self, seconds: float) -> bool:
        """Wait until the other pods know how the plan ended and have their answers; False after `seconds`."""
        end = time.monotonic() + seconds
        while not self.desk.all_told():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        with self._idle:
            return self._idle.wait_for(lambda: self._answering == 0, max(0.0, end - time.monotonic()))

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent about a pod that went away while it was answered: its silence is noticed anyway."""

    def server_bind(self) -> None:
        """Bind without looking up our own name, which may take long in a pod."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)

    def _open(self, family: int, host: str, port: int) -> None:
        self.address_family = family
        super().__init__((host, port), _Handler)

    def _open_ipv4(self, port: int) -> None:
        try:
            self._open(socket.AF_INET, "", port)
        except OSError as error:
            raise Fault(
                BAD_SETTING,
                f"pod 0 cannot listen on port {port} (--meet-port): {error.strerror}; choose a free one",
            ) from error


class _Handler(BaseHTTPRequestHandler):
    server: MeetingServer
    timeout = 10

    def do_POST(self) -> None:  # noqa: N802 (the name that http.server calls)
        """Answer one request."""
        with self.server.answering():
            self._answer_request()

    def _answer_request(self) -> None:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            self._answer(401, {"error": "wrong token"})
            return
        try:
            answer = self.server.desk.ask(self.path, json.loads(self._body()))
        except ValueError as error:
            self._answer(400, {"error": str(error)})
        else:
            self._answer(200, answer)

    def _body(self) -> str:
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= LARGEST_BODY:
            raise ValueError(f"a body of {length} bytes is not read, at most {LARGEST_BODY} are")
        return self.rfile.read(length).decode()

    def log_message(self, format: str, *arguments: object) -> None:
        """Stay silent: a line for every sign of life would bury the ranks' own."""

    def _answer(self, status: int, document: Dict[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
