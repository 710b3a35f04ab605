"""The launcher: one process a device, and how all of them end."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from support.ranks_launcher import TERM, Launcher, alive, lines
from support.script import Script


@pytest.fixture
def launcher(python, container, tmp_path):
    return Launcher(python, container, tmp_path)


def values(noted, *names):
    """The values of `names` by rank."""
    return {rank: tuple(note["env"].get(name) for name in names) for rank, note in sorted(noted.items())}


def log(output):
    """The launcher's own lines, without their time."""
    return [line.split(" ", 2)[2] for line in output.splitlines() if re.match(r"\d{4}-.* launch: ", line)]


def test_eight_ranks_run_to_their_end(launcher, tmp_path):
    code, output = launcher.run("--devices", 8, "--rank-env", "mindspore", "--log-dir", tmp_path / "logs")
    assert code == 0, output
    expected = {str(rank): (str(rank), "8", str(rank), None) for rank in range(8)}
    names = ("RANK_ID", "RANK_SIZE", "DEVICE_ID", "RANK_TABLE_FILE")
    assert values(launcher.noted(8), *names) == expected
    assert [lines(output, f"rank {rank}") for rank in range(8)] == [["up"]] * 8
    assert [(tmp_path / "logs" / f"rank_{rank}.log").read_bytes() for rank in range(8)] == [b"up\n"] * 8
    assert log(output)[-1] == "INFO launch: every rank ended with 0"
    assert launcher.cause == ""


def test_torch_ranks_get_torch_names(launcher):
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "torch", "--rendezvous-port", 29511),
        **{"RANK": "7", "LOCAL_RANK": "{0,1}", "RANK_TABLE_FILE": "/stale"},
    )
    assert code == 0, output
    names = (
        "RANK",
        "LOCAL_RANK",
        "WORLD_SIZE",
        "LOCAL_WORLD_SIZE",
        "MASTER_ADDR",
        "MASTER_PORT",
        "RANK_TABLE_FILE",
    )
    assert values(launcher.noted(2), *names) == {
        "0": ("0", "0", "2", "2", "127.0.0.1", "29511", None),
        "1": ("1", "1", "2", "2", "127.0.0.1", "29511", None),
    }


def test_a_mindspore_cluster_has_a_scheduler(launcher):
    process = launcher.start(
        *("--devices", 2, "--rank-env", "mindspore-cluster", "--grace", 0.5),
        RANK_SLEEPS="0.2",
        MS_ROLE="stale",
    )
    code, output = launcher.finish(process)
    assert code == 0, output
    noted = launcher.noted(3)
    names = ("MS_ROLE", "MS_NODE_ID", "MS_WORKER_NUM", "MS_LOCAL_WORKER", "MS_SCHED_HOST", "DEVICE_ID")
    assert values(noted, *names) == {
        "0": ("MS_WORKER", "0", "2", "2", "127.0.0.1", None),
        "1": ("MS_WORKER", "1", "2", "2", "127.0.0.1", None),
        "MS_SCHED": ("MS_SCHED", None, "2", "2", "127.0.0.1", None),
    }
    ports = {note["env"]["MS_SCHED_PORT"] for note in noted.values()}
    assert len(ports) == 1
    assert 1024 <= int(ports.pop()) <= 65535
    assert lines(output, "scheduler") == ["up"]


def test_a_scheduler_that_stays_is_ended_after_the_ranks(launcher):
    waiting = "import os, time; time.sleep(60 if os.environ['MS_ROLE'] == 'MS_SCHED' else 0)"
    begin = time.monotonic()
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "mindspore-cluster", "--grace", 0.3),
        argv=launcher.python_code(waiting),
    )
    assert (code, time.monotonic() - begin < 5) == (0, True), output
    assert "WARNING launch: every rank ended with 0; stopping scheduler" in log(output)


def test_the_scheduler_of_a_job_operator_runs_alone(launcher):
    code, output = launcher.run(
        *("--devices", 8, "--nodes", 2, "--rank-env", "mindspore-cluster", "--scheduler", "only"),
        *("--rendezvous-host", "127.0.0.1", "--rendezvous-port", 2222),
    )
    assert code == 0, output
    names = ("MS_ROLE", "MS_WORKER_NUM", "MS_LOCAL_WORKER", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_NODE_ID")
    assert values(launcher.noted(1), *names) == {
        "MS_SCHED": ("MS_SCHED", "16", "8", "127.0.0.1", "2222", None)
    }


def test_the_first_failing_rank_ends_all(launcher):
    process = launcher.start(
        *("--devices", 8, "--rank-env", "mindspore", "--grace", 5),
        **{"RANK_FAILS": "5:7", "RANK_COUNT": "8", "RANK_SLEEPS": "60"},
    )
    noted = launcher.noted(8)
    begin = time.monotonic()
    code, output = launcher.finish(process)
    assert code == 7, output
    assert time.monotonic() - begin < 5
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
    assert time.monotonic() - begin < 8
    assert "WARNING launch: rank 2 still there after 0.5 s: killed" in log(output)


def test_a_termination_is_passed_on_and_waited_for(launcher):
    process = launcher.start("--devices", 4, "--rank-env", "mindspore", RANK_SAVES="1", RANK_SLEEPS="60")
    noted = launcher.noted(4)
    code, output = launcher.finish(process, TERM)
    assert code == 42, output
    assert launcher.cause == "told to stop by SIGTERM"
    assert sorted(path.name for path in launcher.notes.glob("*.saved")) == [
        f"{rank}.saved" for rank in range(4)
    ]
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


def test_ranks_have_their_own_group_and_folder(launcher, tmp_path):
    code, output = launcher.run("--devices", 2, "--rank-env", "torch", "--work-dir", tmp_path / "work")
    assert code == 0, output
    noted = launcher.noted(2)
    folders = {rank: note["cwd"] for rank, note in noted.items()}
    assert folders == {rank: str(tmp_path / "work" / f"rank_{rank}") for rank in ("0", "1")}
    assert all(note["pid"] == note["pgid"] for note in noted.values())


def test_logs_of_the_driver_go_beside_ours_unless_the_pod_says_where(launcher, tmp_path):
    name = "ASCEND_PROCESS_LOG_PATH"
    logs = tmp_path / "logs"
    launcher.run("--devices", 1, "--rank-env", "mindspore", "--log-dir", logs)
    assert launcher.noted(1)["0"]["env"][name] == str(logs / "ascend" / "rank_0")
    launcher.run("--devices", 1, "--rank-env", "mindspore", "--log-dir", logs, **{name: "/var/log/npu"})
    assert launcher.noted(1)["0"]["env"][name] == "/var/log/npu"
    assert (logs / "rank_0.log").read_bytes() == b"up\nup\n"


def test_a_single_rank_reads_our_stdin(launcher, python, container, tmp_path):
    reading = launcher.python_code("import sys; print(sys.stdin.read())")
    result = subprocess.run(
        [python, str(container / "launch.py"), "--devices", "1", "--rank-env", "torch", "--", *reading],
        **{"input": "question\n", "stdout": subprocess.PIPE, "text": True, "timeout": 20},
        env={"PATH": "/usr/bin:/bin", "TERMINATION_MESSAGE_PATH": str(tmp_path / "message")},
    )
    assert result.returncode == 0
    assert lines(result.stdout, "rank 0") == ["question", ""]


def test_output_without_newlines_and_redrawn_lines(launcher):
    code, output = launcher.run(
        *("--devices", 1, "--rank-env", "torch"),
        argv=launcher.python_code(
            "import sys; sys.stdout.write('10 %\\r20 %\\r\\nx' + 'y' * 70000 + '\\nlast')"
        ),
    )
    assert code == 0, output
    first, *pieces, last = lines(output, "rank 0")
    assert (first, "".join(pieces) == "x" + "y" * 70000, last) == ("20 %", True, "last")


def test_a_command_that_is_not_there(launcher):
    code, output = launcher.run("--devices", 2, "--rank-env", "torch", argv=["no-such-command"])
    assert code == 127, output
    assert launcher.cause == "rank 0 cannot be started: no-such-command: No such file or directory"


def test_progress_is_told_from_the_log_of_the_first_rank(launcher):
    training = (
        "import os\n"
        "for step in (1, 2):\n"
        "    print('2026-01-01 - INFO - { Epoch:[  1/  1], step:[    %d/    2], loss:[6.006/6.010],'\n"
        "          ' per_step_time: 40ms, lr: 5e-05, overflow cond: False, loss_scale: 65536.0' % step)\n"
        "    print('INFO -   %4.1f%% |##| 2.50000 samples/s/p  0:00:0%d }' % (50 * step, 2 - step))\n"
    )
    code, output = launcher.run(
        *("--devices", 2, "--rank-env", "mindspore", "--progress", "mindformers"),
        argv=launcher.python_code(training),
    )
    assert code == 0, output
    assert [line for line in log(output) if "progress" in line] == [
        "INFO launch: progress: step 1/2 (50.0 %), epoch 1/1, loss 6.006, 0.040 s a step,"
        " 5.00 samples/s on 2 devices, 0:00:01 left",
        "INFO launch: progress: step 2/2 (100.0 %), epoch 1/1, loss 6.006, 0.040 s a step,"
        " 5.00 samples/s on 2 devices, 0:00:00 left",
    ]


def test_the_environment_of_the_pod_is_passed_on_byte_by_byte(launcher):
    launcher.run("--devices", 1, "--rank-env", "torch", ODD="a b\n$(x) 'q\"")
    assert launcher.noted(1)["0"]["env"]["ODD"] == "a b\n$(x) 'q\""


USAGE_ERRORS = {
    "no command is given; put it after '--', as in: launch.py --devices 8 ... -- python train.py": [
        *("--devices", "1", "--rank-env", "torch")
    ],
    "--node-index is 2, but must be 0 to 1 (--nodes)": [
        *("--devices", "1", "--rank-env", "torch", "--nodes", "2", "--node-index", "2", "--", "x")
    ],
    "--nodes is 2, but --meet-host is not given; name pod 0, as in train-0.train, or give --rendezvous-host,"
    " --rendezvous-port and another --rank-table than generated": [
        *("--devices", "1", "--rank-env", "torch", "--nodes", "2", "--", "x")
    ],
    "--rank-table file needs --rank-table-file": [
        *("--devices", "1", "--rank-env", "torch", "--rank-table", "file", "--", "x")
    ],
    "--rank-table-file goes with --rank-table operator or file, not none": [
        *("--devices", "1", "--rank-env", "torch", "--rank-table-file", "t", "--", "x")
    ],
    "--scheduler only goes with --rank-env mindspore-cluster, not torch": [
        *("--devices", "1", "--rank-env", "torch", "--scheduler", "only", "--", "x")
    ],
    "--scheduler outside needs --rendezvous-host and --rendezvous-port": [
        *("--devices", "1", "--rank-env", "mindspore-cluster", "--scheduler", "outside", "--", "x")
    ],
    "--lost-after is 3, but must be above twice --heartbeat": [
        *("--devices", "1", "--rank-env", "torch", "--lost-after", "3", "--", "x")
    ],
}


@pytest.mark.parametrize("message", USAGE_ERRORS)
def test_wrong_usage(python, container, tmp_path, message):
    script = Script(python, container, "launch", tmp_path)
    code, output = script.run(*USAGE_ERRORS[message])
    assert (code, script.cause) == (20, message), output


def test_a_wrong_number_names_the_flag(launcher):
    code, output = launcher.run("--devices", 0, "--rank-env", "torch")
    assert code == 20, output
    assert "argument --devices: '0' must be a whole number from 1 to 100000" in launcher.cause


def test_pods_that_need_not_meet(launcher):
    code, output = launcher.run(
        *("--devices", 2, "--nodes", 2, "--node-index", 1, "--rank-env", "torch"),
        *("--rendezvous-host", "127.0.0.1", "--rendezvous-port", 2222),
    )
    assert code == 0, output
    assert values(launcher.noted(2), "RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_PORT") == {
        "2": ("2", "0", "4", "2222"),
        "3": ("3", "1", "4", "2222"),
    }


def test_temporary_files_are_removed(launcher, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    flags = ("--devices", 1, "--rank-env", "mindspore", "--rank-table", "generated")
    code, output = launcher.run(*flags, TMPDIR=str(scratch))
    assert code == 0, output
    assert Path(launcher.noted(1)["0"]["env"]["RANK_TABLE_FILE"]).parent.parent == scratch
    assert list(scratch.iterdir()) == []


def test_no_temporary_folder_is_needed_without_a_table(launcher, tmp_path):
    code, output = launcher.run("--devices", 1, "--rank-env", "torch", TMPDIR=str(tmp_path / "absent"))
    assert code == 0, output
    assert "launch-" not in output
