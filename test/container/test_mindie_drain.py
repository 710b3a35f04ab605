"""start_mindie.py told to stop: what becomes of the requests, and of the pod."""

from __future__ import annotations

import contextlib
import http.client
import signal
import sys
import threading
from pathlib import Path

import pytest
from support.mindie_server import Asking, MindIeServer
from support.patience import until
from support.script import Script

LOADING = [sys.executable, "-c", "import time; print('loading', flush=True); time.sleep(60)"]


@pytest.fixture
def script(python: str, container: Path, tmp_path: Path) -> Script:
    """Return start_mindie.py."""
    return Script(python, container, "start_mindie", tmp_path)


def said(server: MindIeServer) -> list[str]:
    """Return what the script said, without times, after the daemon was up."""
    lines = [line.split("start_mindie: ")[1] for line in server.lines if "start_mindie: " in line]
    return [line for line in lines if not line.startswith("configuration of ")]


def stopped_by_another(server: MindIeServer) -> None:
    """Stop the daemon, which ends before it answers."""
    with contextlib.suppress(http.client.RemoteDisconnected):
        server.get(server.management, "/stopService")


def test_requests_are_taken_for_the_delay_and_answered_before_the_end(script: Script, tmp_path: Path) -> None:
    with MindIeServer(script, tmp_path, "--drain-delay", 2, "--drain-timeout", 20) as server:
        server.says("Daemon start success!")
        running = Asking(server, 4)
        server.says("POST")
        server.process.send_signal(signal.SIGTERM)
        server.says("told to stop")
        late = server.ask(0)
        until(lambda: server.get(server.management, "/v2/health/ready")[0] == 503)
        refused = server.ask(0)

        assert server.end() == 0
        assert running.result == (200, "hello")
        assert late == (200, "hello")
        assert refused == (503, "The service has been stopped")
        assert said(server) == [
            "told to stop: requests are taken for 2 s more, until the Service has forgotten this pod",
            "no more requests are taken; those that run get 20 s",
            "all requests are answered",
        ]


def test_requests_that_take_too_long_are_cut(script: Script, tmp_path: Path) -> None:
    with MindIeServer(script, tmp_path, "--drain-delay", 0, "--drain-timeout", 1) as server:
        server.says("Daemon start success!")
        running = Asking(server, 30)
        server.says("POST")
        server.process.send_signal(signal.SIGTERM)

        assert server.end() == 128 + signal.SIGABRT
        assert running.result == "RemoteDisconnected"
        assert said(server)[-1] == "requests are still running after 1 s; the server is ended as it is"


def test_a_server_that_does_not_listen_yet_is_ended(script: Script, tmp_path: Path) -> None:
    with MindIeServer(script, tmp_path, "--drain-delay", 0, daemon=LOADING) as server:
        server.says("loading")
        server.process.send_signal(signal.SIGTERM)

        assert server.end() == 128 + signal.SIGTERM
        assert said(server)[-1] == (
            "the management plane does not answer: [Errno 111] Connection refused; the server is ended as it is"
        )


def test_a_server_that_ends_by_itself_while_it_is_told_to_stop_is_not_waited_for(
    script: Script, tmp_path: Path
) -> None:
    with MindIeServer(script, tmp_path, "--drain-delay", 20, daemon=LOADING) as server:
        server.says("loading")
        server.process.send_signal(signal.SIGTERM)
        server.says("told to stop")
        server.kill_daemon()

        assert server.end() == 128 + signal.SIGKILL


def test_a_server_that_somebody_else_stopped_is_ended(script: Script, tmp_path: Path) -> None:
    with MindIeServer(script, tmp_path, "--drain-delay", 0) as server:
        server.says("Daemon start success!")
        running = Asking(server, 30)
        server.says("POST")
        threading.Thread(target=stopped_by_another, args=(server,), daemon=True).start()
        until(lambda: server.get(server.management, "/v2/health/ready")[0] == 503)
        server.process.send_signal(signal.SIGTERM)

        assert server.end() == 128 + signal.SIGABRT
        assert running.result == "RemoteDisconnected"
        assert said(server)[-1] == ("the management plane answered /stopService with 500; the server is ended as it is")
