"""A drain that is longer than the 30 s after which torchrun would kill its workers."""

from __future__ import annotations

import json
import signal
import time

from support.ranked_server import RankedServer
from support.serve_server import chat_body, eventually, post, received


class Patient(RankedServer):
    grace = 120


def test_an_answer_of_forty_seconds_is_finished_after_the_signal_to_end(python, tmp_path):
    with Patient(python, tmp_path, 2, "--backend-option", "step-seconds=0.1") as pod:
        with pod.connect(timeout=60) as connection:
            body = chat_body("hello", max_tokens=330, stream=True)
            connection.sendall(post("/v1/chat/completions", json.dumps(body).encode()))
            eventually(lambda: len(pod.steps(1)) > 3, "the answer has begun")
            pod.process.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            answer = b"".join(received(connection)).decode()
        assert time.monotonic() - begun > 31
        assert "w330 " in answer
        assert "[DONE]" in answer
        assert pod.ended(30) == 0
        assert pod.steps(1) == pod.steps(0)
