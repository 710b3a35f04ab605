"""2,000 streamed requests from 64 clients at once: run with `pytest slow_serve_load.py`."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from support.serve_load import Load
from support.serve_server import MODEL, Server

PROMPT = " ".join(["word"] * 16)


def resident_kib(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


def threads(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"Threads:\s+(\d+)", status).group(1))


def test_every_request_is_answered_whole_and_memory_is_flat(python):
    flags = ["--backend-option", "concurrency=16", "--backend-option", "tokens-per-second=2000"]
    with Server(python, *flags) as server:
        server.wait_ready()
        Load(server.port, MODEL, PROMPT, clients=64, requests=500).run()
        warm = resident_kib(server)
        load = Load(server.port, MODEL, PROMPT, clients=64, requests=2000).run()
        assert Counter(seen.status for seen in load.seen) == {200: 2000}
        assert {seen.texts for seen in load.seen} == {PROMPT}
        assert resident_kib(server) < warm + 4096
        server.wait_metric("connections", 1)
        assert threads(server) < 16 + 8
        server.wait_metric("completion_tokens_total", 2500 * 16)
        assert not [line for line in server.lines if "Traceback" in line]


def test_when_the_queue_is_full_the_only_error_is_429(python):
    flags = ["--backend-option", "tokens-per-second=8000", "--queue-size", "8"]
    with Server(python, *flags) as server:
        server.wait_ready()
        load = Load(server.port, MODEL, PROMPT, clients=64, requests=2000).run()
        statuses = Counter(seen.status for seen in load.seen)
        assert set(statuses) == {200, 429}
        assert statuses[200] > 100
        assert {seen.texts for seen in load.seen if seen.status == 200} == {PROMPT}
        server.wait_metric("queue_length", 0)
        server.wait_metric('requests_total{route="/v1/chat/completions",code="429"}', statuses[429])
        assert server.chat("fine").status == 200


@pytest.mark.parametrize("attempt", range(5))
def test_a_drain_under_load_breaks_no_answer(python, attempt):
    flags = [
        "--backend-option",
        "concurrency=8",
        "--backend-option",
        "tokens-per-second=400",
        "--drain-delay",
        "0.3",
    ]
    with Server(python, *flags) as server:
        server.wait_ready()
        load = Load(server.port, MODEL, PROMPT, clients=32, requests=100000)
        asking = threading.Thread(target=run_until_refused, args=(load,))
        asking.start()
        time.sleep(0.3 + attempt / 20)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
        asking.join()
        statuses = Counter(seen.status for seen in load.seen)
        assert set(statuses) <= {200, 503, 0}  # 0: nobody listens any more
        assert statuses[200] > 50
        assert {seen.texts for seen in load.seen if seen.status == 200} == {PROMPT}
        assert server.lines[-1].endswith("every request is answered: done")


def run_until_refused(load: Load) -> None:
    with contextlib.suppress(OSError):
        load.run()
