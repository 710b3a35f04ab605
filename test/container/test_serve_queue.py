"""What is bounded: the queue, the connections, the time, the patience with clients."""

from __future__ import annotations

import json
import time

import pytest

from support.serve_server import Server, chat_body, eventually, in_background, post, received, stream_bytes

CHAT = "/v1/chat/completions"
SLOW = ["--backend-option", "tokens-per-second=50"]
LONG = "word " * 2000  # 40 s at this rate


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
            server.wait_metric('requests_total{route="/v1/chat/completions",code="429"}', 1)

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
        server.wait_metric('cancelled_total{cause="client_left"}', before + 1)
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
        flags = ["--max-connections", "2", "--backend-option", "concurrency=2"]
        with Server(python, *SLOW, *flags) as server:
            server.wait_ready()
            busy = []
            for _ in range(2):
                busy.append(server.connect())
                busy[-1].sendall(stream_bytes(LONG))
                assert busy[-1].recv(10)
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
        assert (
            reply.error["message"] == "the answer was not whole after 0.6 seconds, the limit of this server"
        )
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
