"""Load, queue, cancel, deadline, faults, drain."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path

import pytest

from support.serve_server import MODEL, Server, chat_body, eventually, post, received

CHAT = "/v1/chat/completions"
FAULTY = Path(__file__).resolve().parent / "support" / "serve_faulty.py"
SLOW = ["--backend-option", "tokens-per-second=50"]
LONG = "word " * 2000  # 40 s at this rate


def stream_bytes(content: str) -> bytes:
    return post(CHAT, json.dumps(chat_body(content, stream=True)).encode())


def in_background(call):
    """Start a call on a thread; returns a function that waits for its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()

    def result():
        thread.join(30)
        assert results, "the call did not end"
        return results[0]

    return result


class TestLoading:
    def test_503_with_progress_until_it_is_loaded(self, python):
        with Server(python, "--backend-option", "load-seconds=1.5") as server:
            assert server.get("/health").json == {"status": "ok"}
            ready = server.get("/ready")
            assert ready.status == 503
            assert ready.json["status"] == "loading"
            assert ready.json["doing"] in ("starting", "pretending to load")
            assert 0 <= ready.json["progress"] < 1
            for reply in (server.chat(), server.get("/v1/models"), server.request("POST", "/", {"prompt": "x"})):
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
            ("bad-artifact", 28, "config.json has no 'model_type'"),
        ],
    )
    def test_a_load_that_fails_ends_the_process_with_its_cause(self, python, tmp_path, backend, code, cause):
        message = tmp_path / "termination"
        env = {"TERMINATION_MESSAGE_PATH": str(message)}
        with Server(python, "--backend", backend, script=FAULTY, env=env) as server:
            assert server.ended() == code
        assert message.read_text() == cause


class TestUsage:
    @pytest.mark.parametrize(
        ("flags", "code", "cause"),
        [
            (["--backend-option", "tokens-per-second=fast"], 31,
             "the echo option tokens-per-second is 'fast': it must be a number from 0 on"),
            (["--backend-option", "speed=3"], 31,
             "the echo backend has no option 'speed': it has tokens-per-second, load-seconds, concurrency"),
            (["--backend-option", "speed"], 31, "--backend-option 'speed' must be key=value, each key once"),
            (["--api-keys-env", "NOT_SET"], 31,
             "--api-keys-env names 'NOT_SET', which is unset or empty: set it to the API keys"),
            (["--request-timeout", "0"], 31, "--request-timeout is 0: it must be at least 0.001"),
            (["--context-length", "0"], 31, "--context-length is 0: it must be at least 1"),
            (["--port", "99999999"], 31,
             "--port is 99999999: it must be from 0 to 65535"),
            (["--host", "192.0.2.1"], 31, "cannot listen on 192.0.2.1:0: [Errno 99] Cannot assign requested address"),
            (["--max-connections", "0"], 31, "--max-connections is 0: it must be at least 1"),
        ],
    )
    def test_mistakes_end_with_their_code_and_cause(self, python, tmp_path, flags, code, cause):
        message = tmp_path / "termination"
        with Server(python, *flags, env={"TERMINATION_MESSAGE_PATH": str(message)}) as server:
            assert server.ended() == code
        assert message.read_text() == cause

    def test_a_port_that_is_taken_may_be_free_the_next_time(self, python, tmp_path):
        message = tmp_path / "termination"
        with Server(python) as first:
            flags = ["--port", str(first.port)]
            with Server(python, *flags, env={"TERMINATION_MESSAGE_PATH": str(message)}) as second:
                assert second.ended() == 40
        assert message.read_text() == (
            f"cannot listen on 127.0.0.1:{first.port}: [Errno 98] Address already in use"
        )

    @pytest.mark.parametrize(
        ("flags", "cause"),
        [
            (["--backend", "none"], "argument --backend: invalid choice: 'none' (choose from "),
            (["--queue-size", "many"], "argument --queue-size: invalid int value: 'many'; usage: serve_model.py"),
            (["--what"], "unrecognized arguments: --what; usage: serve_model.py"),
        ],
    )
    def test_wrong_usage_ends_with_its_code(self, python, tmp_path, flags, cause):
        message = tmp_path / "termination"
        with Server(python, *flags, env={"TERMINATION_MESSAGE_PATH": str(message)}) as server:
            assert server.ended() == 20
        assert message.read_text().startswith(cause)


class TestKeys:
    @pytest.fixture(scope="class")
    def server(self, python):
        with Server(python, "--api-keys-env", "KEYS", env={"KEYS": "first-key, second-key\nthird"}) as running:
            running.wait_ready()
            yield running

    @pytest.mark.parametrize("key", ["first-key", "second-key", "third"])
    def test_each_key_opens(self, server, key):
        assert server.get("/v1/models", Authorization=f"Bearer {key}").status == 200

    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic first-key", "first-key", "Bearer first-key,", "Bearer é"]
    )
    @pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", CHAT), ("POST", "/")])
    def test_anything_else_does_not(self, server, header, method, path):
        headers = {} if header is None else {"Authorization": header.encode("latin-1").decode("latin-1")}
        reply = server.request(method, path, chat_body() if method == "POST" else None, headers)
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert reply.error["code"] == "invalid_api_key"
        assert reply.error["message"] == "the API key is missing or wrong: send 'Authorization: Bearer KEY'"

    @pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
    def test_probes_need_none(self, server, path):
        assert server.get(path).status == 200

    def test_the_log_has_no_key(self, server):
        assert not [line for line in server.lines if "first-key" in line]


class TestQueue:
    def test_the_queue_is_bounded_and_keeps_its_order(self, python):
        with Server(python, *SLOW, "--queue-size", "2") as server:
            server.wait_ready()
            finished = []

            def ask(name):
                reply = server.chat(f"{name} " + "word " * 40)
                finished.append(name)
                return reply

            waits = []
            for number, name in enumerate(("a", "b", "c")):
                waits.append(in_background(lambda name=name: ask(name)))
                server.wait_metric("running", 1)
                server.wait_metric("queue_length", number)
            refused = server.chat("too much")
            assert refused.status == 429
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
            assert refused.error["code"] == "queue_full"
            seconds = refused.headers["Retry-After"]
            assert refused.error["message"] == f"the queue is full: 2 requests wait; try again in {seconds} s"
            assert server.get("/health").status == 200
            assert server.get("/ready").status == 200
            assert [wait().status for wait in waits] == [200, 200, 200]
            assert finished == ["a", "b", "c"]
            assert server.metric('requests_total{route="/v1/chat/completions",code="429"}') == 1

    def test_no_queue_at_all(self, python):
        with Server(python, *SLOW, "--queue-size", "0") as server:
            server.wait_ready()
            first = in_background(lambda: server.chat("word " * 20))
            server.wait_metric("running", 1)
            assert server.chat().status == 429
            assert first().status == 200
            assert server.chat().status == 200


class TestCancel:
    @pytest.fixture(scope="class")
    def server(self, python):
        with Server(python, *SLOW) as running:
            running.wait_ready()
            yield running

    @pytest.mark.parametrize("stream", [True, False])
    def test_a_client_that_leaves_stops_its_generation(self, server, stream):
        before = server.metric('cancelled_total{cause="client_left"}')
        connection = server.connect()
        connection.sendall(post(CHAT, json.dumps(chat_body(LONG, stream=stream)).encode()))
        server.wait_metric("running", 1)
        if stream:
            assert connection.recv(10)
        connection.close()
        began = time.monotonic()
        server.wait_metric("running", 0)
        assert time.monotonic() - began < 2
        assert server.metric('cancelled_total{cause="client_left"}') == before + 1
        eventually(lambda: any(" 499 in " in line for line in server.lines), "the log says that it left")

    def test_a_client_that_leaves_the_queue_frees_its_place(self, server):
        running = server.connect()
        running.sendall(stream_bytes(LONG))
        server.wait_metric("running", 1)
        waiting = server.connect()
        waiting.sendall(stream_bytes("next"))
        server.wait_metric("queue_length", 1)
        waiting.close()
        server.wait_metric("queue_length", 0)
        assert server.metric("running") == 1
        running.close()
        server.wait_metric("running", 0)

    def test_a_client_that_pipelined_and_left_is_noticed(self, server):
        with server.connect() as connection:
            connection.sendall(stream_bytes(LONG) + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            server.wait_metric("running", 1)
        server.wait_metric("running", 0)

    def test_the_next_request_runs(self, server):
        assert server.chat("fine").json["choices"][0]["message"]["content"] == "fine"


class TestSlowReaders:
    def test_a_client_that_does_not_read_is_dropped(self, python):
        flags = ["--write-timeout", "0.5", "--context-length", "1000000"]
        with Server(python, *flags) as server:
            server.wait_ready()
            with server.connect() as connection:
                connection.sendall(stream_bytes("w " * 100000))
                server.wait_metric("running", 0)
                eventually(lambda: server.metric("connections") == 1, "the connection is closed")
            assert server.chat("fine").status == 200


class TestConnections:
    def test_idle_clients_give_way_so_that_probes_get_in(self, python):
        with Server(python, "--max-connections", "4") as server:
            server.wait_ready()
            idle = [server.connect() for _ in range(10)]
            assert server.get("/health").status == 200
            assert server.chat("fine").status == 200
            assert server.metric("connections") <= 4
            assert idle[0].recv(10) == b""

    def test_when_all_are_at_work_the_next_is_refused(self, python):
        with Server(python, *SLOW, "--max-connections", "2") as server:
            server.wait_ready()
            busy = [server.connect() for _ in range(2)]
            for each in busy:
                each.sendall(stream_bytes(LONG))
            time.sleep(0.3)
            answer = server.raw(b"")
            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            head, _, body = answer.partition(b"\r\n\r\n")
            assert f"Content-Length: {len(body)}".encode() in head
            assert json.loads(body)["error"]["message"] == "too many connections"


class TestDeadline:
    @pytest.fixture(scope="class")
    def server(self, python):
        with Server(python, *SLOW, "--request-timeout", "0.6") as running:
            running.wait_ready()
            yield running

    def test_whole(self, server):
        reply = server.chat(LONG)
        assert reply.status == 504
        assert reply.headers["X-Should-Retry"] == "false"
        assert reply.error["code"] == "deadline_exceeded"
        assert reply.error["message"] == "the answer was not whole after 0.6 seconds, the limit of this server"
        server.wait_metric("running", 0)

    def test_streamed(self, server):
        with server.connect() as connection:
            connection.sendall(stream_bytes(LONG))
            answer = b"".join(received(connection))
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(b"0\r\n\r\n")
        assert b"[DONE]" not in answer
        last = [line for line in answer.decode().split("\n") if line.startswith("data: ")][-1]
        assert json.loads(last[6:])["error"]["code"] == "deadline_exceeded"
        server.wait_metric("running", 0)


class TestFaults:
    @pytest.fixture
    def server(self, python, tmp_path):
        env = {"TERMINATION_MESSAGE_PATH": str(tmp_path / "termination")}
        with Server(python, "--backend", "generates", script=FAULTY, env=env) as running:
            running.wait_ready()
            yield running

    def test_a_request_that_the_model_cannot_digest_fails_alone(self, server):
        reply = server.chat("raise")
        assert reply.status == 500
        assert reply.error == {
            "message": "the model failed: RuntimeError", "type": "server_error", "param": None, "code": "generation_failed",
        }
        assert any("a secret of the backend" in line for line in server.lines)
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
        assert any("every request is answered: done" in line for line in server.lines)

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


class TestMetrics:
    def test_they_count_what_happened(self, python):
        with Server(python) as server:
            server.wait_ready()
            server.chat("one two three")
            server.chat("one two", stream=True)
            server.chat(None)
            route = 'requests_total{route="/v1/chat/completions",code='
            assert server.metric(f'{route}"200"}}') == 2
            assert server.metric(f'{route}"400"}}') == 1
            assert server.metric("completion_tokens_total") == 5
            assert server.metric("prompt_tokens_total") == 15
            assert server.metric("time_to_first_token_seconds_count") == 2
            assert server.metric("generation_seconds_count") == 2
            assert server.metric("queue_capacity") == 64

    def test_the_page_is_prometheus_text(self, python):
        with Server(python) as server:
            server.wait_ready()
            server.chat()
            reply = server.get("/metrics")
            assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            lines = reply.body.decode().splitlines()
            named = [line.split(" ")[2] for line in lines if line.startswith("# TYPE ")]
            assert len(named) == len(set(named))
            for line in lines:
                assert line.startswith("#") or any(line.startswith(name) for name in named), line
                assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0
            buckets = [
                float(line.rsplit(" ", 1)[1])
                for line in lines
                if line.startswith("chatglm_time_to_first_token_seconds_bucket")
            ]
            assert buckets == sorted(buckets)
            assert buckets[-1] == 1
