"""How the ranks of a pod end: together, by themselves or not, and with nothing left of them."""

from __future__ import annotations

import time

import pytest
from support.ranks_launcher import TERM, Launcher, alive, lines, log


@pytest.fixture
def launcher(python, container, tmp_path):
    return Launcher(python, container, tmp_path)


def test_the_first_failing_rank_ends_all(launcher):
    process = launcher.start(
        *("--devices", 8, "--rank-env", "mindspore", "--grace", 60),
        **{"RANK_FAILS": "5:7", "RANK_COUNT": "8", "RANK_SLEEPS": "60"},
    )
    noted = launcher.noted(8)
    begin = time.monotonic()
    code, output = launcher.finish(process)
    assert code == 7, output
    assert time.monotonic() - begin < 15
    tail = "\n".join(f"error line {number}" for number in range(10, 30))
    assert launcher.cause == f"rank 5 ended with code 7; its last 20 lines:\n{tail}"
    stopped = ", ".join(f"rank {rank}" for rank in range(8) if rank != 5)
    assert f"WARNING launch: rank 5 ended with code 7; stopping {stopped}" in log(output)
    assert log(output)[-1] == "ERROR launch: rank 5 ended with code 7 (exit code 7)"
    assert not any(alive(note["pid"]) for note in noted.values())


def test_a_rank_ended_by_a_signal_gives_128_and_its_number(launcher):
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "torch"),
        argv=launcher.python_code(
            "import os, time; os.getenv('RANK') == '1' and os.kill(os.getpid(), 11); time.sleep(9)"
        ),
    )
    assert code == 139, output
    assert launcher.cause == "rank 1 was ended by SIGSEGV (code 139)"


def test_a_rank_that_ignores_the_end_is_killed(launcher):
    begin = time.monotonic()
    code, output = launcher.run(
        *("--devices", 3, "--rank-env", "mindspore", "--grace", 0.5),
        **{"RANK_FAILS": "0:3", "RANK_COUNT": "3", "RANK_SLEEPS": "60", "RANK_IGNORES": "2"},
    )
    assert code == 3, output
    assert time.monotonic() - begin < 15
    assert "WARNING launch: rank 2 still there after 0.5 s: killed" in log(output)


def test_a_termination_is_passed_on_and_waited_for(launcher):
    process = launcher.start("--devices", 4, "--rank-env", "mindspore", RANK_SAVES="1", RANK_SLEEPS="60")
    noted = launcher.noted(4)
    code, output = launcher.finish(process, TERM)
    assert code == 42, output
    assert launcher.cause == "told to stop by SIGTERM"
    assert sorted(path.name for path in launcher.notes.glob("*.saved")) == [f"{rank}.saved" for rank in range(4)]
    assert [lines(output, f"rank {rank}") for rank in range(4)] == [["up", "saved"]] * 4
    assert not any(alive(note["pid"]) for note in noted.values())


def test_a_rank_that_hangs_after_a_termination_is_killed(launcher):
    process = launcher.start(
        "--devices", 2, "--rank-env", "mindspore", "--grace", 0.5, RANK_IGNORES="1", RANK_SLEEPS="60"
    )
    noted = launcher.noted(2)
    code, output = launcher.finish(process, TERM)
    assert code == 42, output
    assert not any(alive(note["pid"]) for note in noted.values())


def test_a_server_that_drained_ends_with_0(launcher):
    process = launcher.start(
        "--devices", 2, "--rank-env", "torch", "--kind", "server", RANK_SAVES="1", RANK_SLEEPS="60"
    )
    launcher.noted(2)
    code, output = launcher.finish(process, TERM)
    assert code == 0, output


def test_a_server_rank_that_ends_unasked_is_a_failure(launcher):
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "torch", "--kind", "server"),
        argv=launcher.python_code("import os, time; time.sleep(int(os.environ['RANK']) * 60)"),
    )
    assert code == 40, output
    assert launcher.cause == "rank 0 ended with code 0 unasked"


def test_a_rank_that_hangs_when_the_others_are_done_is_killed(launcher):
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "torch", "--finish-within", 0.5, "--grace", 0.5),
        argv=launcher.python_code("import os, time; time.sleep(int(os.environ['RANK']) * 60)"),
    )
    assert code == 41, output
    assert launcher.cause == "rank 1 did not end within 0.5 s of rank 0, the first that was done"


def test_nothing_is_left_of_what_ranks_started(launcher, tmp_path):
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        open({str(tmp_path / 'daemon')!r}, 'w').write(str(os.getpid()))\n"
        "        time.sleep(60)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        f"daemon = {str(tmp_path / 'daemon')!r}\n"
        "while not os.path.exists(daemon) or not os.path.getsize(daemon):\n"
        "    time.sleep(0.01)\n"
    )
    code, output = launcher.run("--devices", 1, "--rank-env", "torch", argv=launcher.python_code(daemon))
    assert code == 0, output
    assert "WARNING launch: ended 1 process(es) that the ranks had left behind" in log(output)
    assert not alive(int((tmp_path / "daemon").read_text()))


def test_a_scheduler_that_stays_is_ended_after_the_ranks(launcher):
    waiting = "import os, time; time.sleep(60 if os.environ['MS_ROLE'] == 'MS_SCHED' else 0)"
    begin = time.monotonic()
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "mindspore-cluster", "--grace", 0.3),
        argv=launcher.python_code(waiting),
    )
    assert (code, time.monotonic() - begin < 15) == (0, True), output
    assert "WARNING launch: every rank ended with 0; stopping scheduler" in log(output)


def test_a_command_that_is_not_there(launcher):
    code, output = launcher.run("--devices", 2, "--rank-env", "torch", argv=["no-such-command"])
    assert code == 127, output
    assert launcher.cause == "rank 0 cannot be started: no-such-command: No such file or directory"
