"""Load, faults, drain."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from support.serve_server import MODEL, Server, eventually, in_background, stream_bytes

FAULTY = Path(__file__).resolve().parent / "support" / "serve_faulty.py"
SLOW = ["--backend-option", "tokens-per-second=50"]
LONG = "word " * 2000  # 40 s at this rate


class TestLoading:
    def test_503_with_progress_until_it_is_loaded(self, python):
        with Server(python, "--backend-option", "load-seconds=1.5") as server:
            assert server.get("/health").json == {"status": "ok"}
            ready = server.get("/ready")
            assert ready.status == 503
            assert ready.json["status"] == "loading"
            assert ready.json["doing"] in ("starting", "pretending to load")
            assert 0 <= ready.json["progress"] < 1
            for reply in (
                server.chat(),
                server.get("/v1/models"),
                server.request("POST", "/", {"prompt": "x"}),
            ):
                assert reply.status == 503
                assert reply.error["code"] == "model_loading"
                assert reply.error["message"].startswith(f"model '{MODEL}' is loading: ")
                assert 1 <= int(reply.headers["Retry-After"]) <= 60
            first = server.metric("load_progress")
            eventually(lambda: server.metric("load_progress") > first, "progress")
            assert server.metric("ready") == 0
            server.wait_ready()
            assert server.get("/ready").json == {"status": "ready", "model": MODEL}
            assert server.chat().status == 200
            assert server.metric("ready") == 1
            assert 1.4 < server.metric("load_seconds") < 5

    def test_sigterm_while_loading_ends_at_once(self, python):
        with Server(python, "--backend-option", "load-seconds=60", "--drain-delay", "60") as server:
            assert server.end() == 0

    @pytest.mark.parametrize(
        ("backend", "code", "cause"),
        [
            ("never-loads", 40, f"model '{MODEL}' did not load: RuntimeError: out of device memory"),
            ("exits", 40, f"model '{MODEL}' did not load: SystemExit: no device found"),
            ("bad-artifact", 28, "config.json has no 'model_type'"),
        ],
    )
    def test_a_load_that_fails_ends_the_process_with_its_cause(self, python, tmp_path, backend, code, cause):
        message = tmp_path / "termination"
        env = {"TERMINATION_MESSAGE_PATH": str(message)}
        with Server(python, "--backend", backend, script=FAULTY, env=env) as server:
            assert server.ended() == code
        assert message.read_text() == cause


class TestFaults:
    @pytest.fixture
    def server(self, python, tmp_path):
        env = {"TERMINATION_MESSAGE_PATH": str(tmp_path / "termination")}
        with Server(python, "--backend", "generates", script=FAULTY, env=env) as running:
            running.wait_ready()
            yield running

    @pytest.mark.parametrize(("question", "failure"), [("raise", "RuntimeError"), ("exit", "SystemExit")])
    def test_a_request_that_the_model_cannot_digest_fails_alone(self, server, question, failure):
        reply = server.chat(question)
        assert reply.status == 500
        assert reply.error == {
            "message": f"the model failed: {failure}",
            "type": "server_error",
            "param": None,
            "code": "generation_failed",
        }
        eventually(
            lambda: any(line.startswith(failure) for line in server.lines), "the log has the traceback"
        )
        body = server.chat("fine").json
        assert body["choices"][0]["message"]["content"] == "first second"
        assert body["usage"]["completion_tokens"] == 3

    def test_a_backend_may_say_why_it_ended(self, server):
        assert server.chat("full").json["choices"][0]["finish_reason"] == "length"

    def test_a_lost_model_ends_the_process_with_its_cause(self, server, tmp_path):
        reply = in_background(lambda: server.raw(stream_bytes("die")))
        assert server.ended() == 40
        assert (tmp_path / "termination").read_text() == "rank 1 ended with signal 9"
        reply()

    def test_cancelling_reaches_a_backend_between_pieces(self, server):
        with server.connect() as connection:
            connection.sendall(stream_bytes("hang"))
            server.wait_metric("running", 1)
        server.wait_metric("running", 0)


class TestDrain:
    def test_it_leaves_the_endpoints_first_then_finishes_what_it_has(self, python):
        with Server(python, *SLOW, "--drain-delay", "1") as server:
            server.wait_ready()
            running = in_background(lambda: server.chat(("word " * 120).strip()))
            server.wait_metric("running", 1)
            server.process.send_signal(signal.SIGTERM)
            eventually(lambda: server.get("/ready").status == 503, "not ready")
            assert server.get("/ready").json["status"] == "draining"
            accepted = in_background(lambda: server.chat("accepted while draining", stream=True))
            eventually(lambda: server.get("/ready").json["status"] == "closed", "closed")
            refused = server.chat("too late")
            assert refused.status == 503
            assert refused.error["code"] == "shutting_down"
            assert refused.error["message"] == "the server is shutting down: try another replica"
            assert server.get("/health").status == 200
            assert running().json["usage"]["completion_tokens"] == 120
            assert accepted().events[-1]["choices"][0]["finish_reason"] == "stop"
            assert server.ended() == 0
        server.says("every request is answered: done")

    def test_what_is_not_answered_in_time_is_told_so(self, python):
        """Or the pod would be killed, and clients would see a connection that breaks."""
        with Server(python, *SLOW, "--drain-delay", "0.1", "--drain-timeout", "3") as server:
            server.wait_ready()
            running = in_background(lambda: server.raw(stream_bytes(LONG)))
            server.wait_metric("running", 1)
            waiting = in_background(lambda: server.chat(LONG))
            server.wait_metric("queue_length", 1)
            assert server.end() == 0
            message = "the server shut down before this answer was whole: try another replica"
            assert (waiting().status, waiting().error["code"], waiting().error["message"]) == (
                503,
                "shutting_down",
                message,
            )
            assert message in running().decode()
            assert "[DONE]" not in running().decode()
        server.says("ending: 2 requests are not answered after 3 s and are refused")
        assert not any("every request is answered" in line for line in server.lines)

    def test_idle_it_ends_after_the_delay(self, python):
        with Server(python, "--drain-delay", "0.3") as server:
            server.wait_ready()
            server.connect()
            began = time.monotonic()
            assert server.end() == 0
            assert 0.3 <= time.monotonic() - began < 3

    def test_a_second_signal_ends_it_at_once(self, python):
        with Server(python, *SLOW, "--drain-delay", "30") as server:
            server.wait_ready()
            with server.connect() as connection:
                connection.sendall(stream_bytes(LONG))
                server.wait_metric("running", 1)
                server.process.send_signal(signal.SIGTERM)
                eventually(lambda: server.get("/ready").status == 503, "not ready")
                assert server.end(signal.SIGINT) == 42

    def test_connections_are_not_kept_alive_while_draining(self, python):
        with Server(python, "--drain-delay", "1") as server:
            server.wait_ready()
            assert server.chat().headers["Connection"] == "keep-alive"
            server.process.send_signal(signal.SIGTERM)
            eventually(lambda: server.get("/ready").status == 503, "not ready")
            assert server.chat().headers["Connection"] == "close"
