"""Ranks that share a model: started by the launcher, told what to compute by rank 0, ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from support.ranked_server import RANKS, TRIED, RankedServer
from support.serve_server import MODEL, chat_body, eventually, in_background, received, stream_bytes


@pytest.fixture
def folder(tmp_path):
    return tmp_path


class TestTogether:
    @pytest.mark.parametrize("size", [1, 2, 4])
    def test_every_rank_computes_the_same_steps(self, python, folder, size):
        with RankedServer(python, folder, size) as pod:
            for _ in range(3):
                reply = pod.chat("hello you", max_tokens=5)
                assert reply.json["choices"][0]["message"]["content"] == "w1 w2 w3 w4 w5 "
            assert reply.json["usage"]["completion_tokens"] == 5
            pod.agree(size)
            asked = pod.steps(0)[TRIED:]
            assert asked[0].startswith("prefill [")
            assert asked[1:5] == ["step 1", "step 2", "step 3", "step 4"]
            assert sum("listening on" in line for line in pod.lines) == 1
            assert pod.end() == 0

    def test_a_stream_is_what_the_whole_answer_is(self, python, folder):
        with RankedServer(python, folder, 2) as pod:
            events = pod.chat("hello", max_tokens=4, stream=True).events
            text = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
            assert text == pod.chat("hello", max_tokens=4).json["choices"][0]["message"]["content"]


class TestStart:
    @pytest.mark.parametrize("size", [1, 3])
    def test_nobody_is_served_before_all_have_computed_together(self, python, folder, size):
        with RankedServer(python, folder, size) as pod:
            assert [line.split()[0] for line in pod.steps(0)] == ["load", "prefill", "step"]
            pod.agree(size)

    @pytest.mark.parametrize("rank", [0, 1])
    def test_ranks_that_cannot_compute_together_are_never_ready(self, python, folder, rank):
        with RankedServer(python, folder, 2, wait=False, RAISING_RANK=str(rank), RAISING_TOKEN="1") as pod:
            assert pod.ended() == 40
            failed = "failed at a step" if rank == 0 else "failed"
            assert f"rank {rank} {failed}: RuntimeError: out of device memory" in pod.message.read_text()
            assert not any("is loaded after" in line for line in pod.lines)

    @pytest.mark.parametrize(("size", "left"), [(1, 2), (2, 0)])
    def test_what_killed_ranks_left_locked_is_gone(self, python, folder, size, left):
        shared = folder / "shm"
        shared.mkdir()
        for name in ("sem.hcclShareMem", "sem.hcclShareMem-29500", "sem.another"):
            (shared / name).touch()
        with RankedServer(python, folder, size) as pod:
            assert len(list(shared.glob("sem.hcclShareMem*"))) == left
            assert (shared / "sem.another").exists()
            assert pod.end() == 0


class TestCancel:
    def test_a_client_that_leaves_stops_every_rank_at_the_same_step(self, python, folder):
        with RankedServer(python, folder, 3, "--backend-option", "step-seconds=0.02") as pod:
            with pod.connect() as connection:
                connection.sendall(stream_bytes("hello"))
                eventually(lambda: len(pod.steps(2)) > TRIED + 5, "the answer has begun")
                connection.shutdown(socket.SHUT_RDWR)
            pod.wait_metric("running", 0)
            pod.agree(3)
            stopped = pod.steps(0)
            assert len(stopped) < 1000
            time.sleep(0.2)
            assert pod.steps(0) == stopped
            assert pod.chat("more", max_tokens=2).status == 200
            pod.agree(3)


class TestEnd:
    def test_a_drain_finishes_what_runs_on_every_rank(self, python, folder):
        with RankedServer(python, folder, 2, "--backend-option", "step-seconds=0.05") as pod:
            result = in_background(lambda: pod.chat("hello", max_tokens=60))
            eventually(lambda: len(pod.steps(1)) > TRIED + 2, "the answer has begun")
            pod.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            begun = time.monotonic()
            assert result().json["usage"]["completion_tokens"] == 60
            assert time.monotonic() - begun > 1
            assert pod.ended() == 0
            assert len(pod.steps(1)) == len(pod.steps(0))

    def test_sigterm_while_the_ranks_load(self, python, folder):
        with RankedServer(python, folder, 2, wait=False, LOAD_SECONDS_1="60", LOAD_SECONDS_0="60") as pod:
            eventually(lambda: any("all 2 ranks are there" in line for line in pod.lines), "both ranks load")
            begun = time.monotonic()
            assert pod.end() == 0
            assert time.monotonic() - begun < 8

    def test_rank_1_killed_in_an_answer(self, python, folder):
        with RankedServer(python, folder, 2, "--backend-option", "step-seconds=0.05") as pod:
            with pod.connect() as connection:
                connection.sendall(stream_bytes("hello"))
                eventually(lambda: len(pod.steps(1)) > TRIED + 2, "the answer has begun")
                begun = time.monotonic()
                os.kill(pod.pid(1), signal.SIGKILL)
                answer = b"".join(received(connection))
            assert b"w1 " in answer
            assert b"[DONE]" not in answer
            assert pod.ended() == 137
            assert time.monotonic() - begun < 8
            assert pod.message.read_text().startswith("rank 1 was ended by SIGKILL (code 137)")

    def test_rank_1_killed_while_nothing_runs(self, python, folder):
        with RankedServer(python, folder, 2) as pod:
            os.kill(pod.pid(1), signal.SIGKILL)
            assert pod.ended() == 137
            assert pod.message.read_text().startswith("rank 1 was ended by SIGKILL (code 137)")

    def test_rank_0_killed(self, python, folder):
        with RankedServer(python, folder, 3) as pod:
            os.kill(pod.pid(0), signal.SIGKILL)
            assert pod.ended() == 137
            assert pod.message.read_text().startswith("rank 0 was ended by SIGKILL (code 137)")

    @pytest.mark.parametrize("rank", [0, 1])
    def test_a_step_that_fails_on_one_rank_ends_all(self, python, folder, rank):
        with RankedServer(python, folder, 2, RAISING_RANK=str(rank), RAISING_TOKEN="2") as pod:
            with contextlib.suppress(ConnectionError):
                assert pod.chat("hello", max_tokens=9).status == 500
            assert pod.ended() == 40
            cause = pod.message.read_text()
            assert cause.startswith(f"rank {rank} ended with code 40; its last ")
            expected = "failed at a step" if rank == 0 else "failed"
            assert f"rank {rank} {expected}: RuntimeError: out of device memory (exit code 40)" in cause

    def test_a_part_that_does_not_load_ends_all_with_its_cause(self, python, folder):
        with RankedServer(python, folder, 2, wait=False, BAD_RANK="1") as pod:
            assert pod.ended() == 28
            cause = pod.message.read_text()
            assert cause.startswith("rank 1 ended with code 28; its last ")
            assert "shards are without pytorch_model.bin (exit code 28)" in cause


class TestAlone:
    """Rank 0 without a launcher that would end it: it must end by itself."""

    def start(self, python, folder, rank, **environment):
        flags = ["--backend", "atb", "--model-name", MODEL, "--host", "127.0.0.1", "--port", "0"]
        env = {**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_PORT": str(os.getpid())}
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "TERMINATION_MESSAGE_PATH": str(folder / f"message-{rank}")}
        argv = [python, str(RANKS), *flags, "--backend-option", f"folder={folder}", *environment.pop("more", ())]
        return subprocess.Popen(
            argv, env={**env, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def test_a_rank_lost_while_rank_0_waits_for_it_in_a_step(self, python, folder):
        zero, one = (
            self.start(python, folder, 0, LOAD_SECONDS_0="0"),
            self.start(python, folder, 1, LOAD_SECONDS_1="60"),
        )
        eventually(lambda: (folder / "rank-0.log").exists() and (folder / "rank-0.log").read_text(), "rank 0 waits")
        one.kill()
        assert zero.wait(10) == 40
        one.wait()
        assert (folder / "message-0").read_text() == "rank 1 was lost"

    def test_a_follower_whose_rank_0_is_lost(self, python, folder):
        zero, one = self.start(python, folder, 0, LOAD_SECONDS_0="60"), self.start(python, folder, 1)
        eventually(lambda: (folder / "rank-1.log").exists() and (folder / "rank-1.log").read_text(), "rank 1 waits")
        zero.kill()
        assert one.wait(10) == 40
        zero.wait()
        assert (folder / "message-1").read_text() == "rank 0 was lost"

    def test_a_follower_told_to_end_before_rank_0_is_there(self, python, folder):
        one = self.start(python, folder, 1)
        eventually(lambda: (folder / "rank-1.log").exists(), "rank 1 runs")
        time.sleep(0.3)
        one.send_signal(signal.SIGTERM)
        assert one.wait(10) == 0

    @pytest.mark.parametrize(
        ("env", "cause"),
        [
            ({"RANK": "2"}, "RANK is 2 and WORLD_SIZE 2: start the ranks by launch.py"),
            ({"RANK": "x"}, "RANK is 'x': it must be a whole number; start the ranks by launch.py"),
        ],
    )
    def test_an_environment_of_no_launcher(self, python, folder, env, cause):
        process = self.start(python, folder, 1, **env)
        assert process.wait(10) == 31
        assert (folder / "message-1").read_text() == cause


def test_the_body_of_a_chat_is_what_the_ranks_are_asked(python, tmp_path):
    """The prompt's ids reach every rank as they are."""
    with RankedServer(python, tmp_path, 2) as pod:
        pod.request("POST", "/v1/chat/completions", chat_body("one two three", max_tokens=1))
        pod.agree(2)
        assert pod.steps(1)[TRIED].count(",") >= 2
