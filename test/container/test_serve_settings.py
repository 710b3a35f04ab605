"""Flags, API keys and metrics."""

from __future__ import annotations

import pytest

from support.serve_server import Server, chat_body

CHAT = "/v1/chat/completions"


class TestUsage:
    @pytest.mark.parametrize(
        ("flags", "code", "cause"),
        [
            (
                ["--backend-option", "tokens-per-second=fast"],
                31,
                "the echo option tokens-per-second is 'fast': it must be a number from 0 on",
            ),
            (
                ["--backend-option", "speed=3"],
                31,
                "the echo backend has no option 'speed': it has tokens-per-second, load-seconds, concurrency",
            ),
            (["--backend-option", "speed"], 31, "--backend-option 'speed' must be key=value, each key once"),
            (
                ["--api-keys-env", "NOT_SET"],
                31,
                "--api-keys-env names 'NOT_SET', which is unset or empty: set it to the API keys",
            ),
            (["--request-timeout", "0"], 31, "--request-timeout is 0: it must be at least 0.001"),
            (["--context-length", "0"], 31, "--context-length is 0: it must be at least 1"),
            (["--port", "99999999"], 31, "--port is 99999999: it must be from 0 to 65535"),
            (
                ["--host", "192.0.2.1"],
                31,
                "cannot listen on 192.0.2.1:0: [Errno 99] Cannot assign requested address",
            ),
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
            (
                ["--queue-size", "many"],
                "argument --queue-size: invalid int value: 'many'; usage: serve_model.py",
            ),
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
        with Server(
            python, "--api-keys-env", "KEYS", env={"KEYS": "first-key, second-key\nthird"}
        ) as running:
            running.wait_ready()
            yield running

    @pytest.mark.parametrize("key", ["first-key", "second-key", "third"])
    def test_each_key_opens(self, server, key):
        assert server.get("/v1/models", Authorization=f"Bearer {key}").status == 200

    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Basic first-key",
            "first-key",
            "Bearer first-key,",
            "Bearer é",
        ],
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


class TestMetrics:
    def test_they_count_what_happened(self, python):
        with Server(python) as server:
            server.wait_ready()
            server.chat("one two three")
            server.chat("one two", stream=True)
            server.chat(None)
            route = 'requests_total{route="/v1/chat/completions",code='
            server.wait_metric(f'{route}"200"}}', 2)
            server.wait_metric(f'{route}"400"}}', 1)
            server.wait_metric("completion_tokens_total", 5)
            server.wait_metric("prompt_tokens_total", 15)
            server.wait_metric("time_to_first_token_seconds_count", 2)
            server.wait_metric("generation_seconds_count", 2)
            server.wait_metric("queue_capacity", 64)

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
