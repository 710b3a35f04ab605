"""The launcher: one process a device, and what each of them is given."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.ranks_launcher import Launcher, lines, log, values
from support.script import Script


@pytest.fixture
def launcher(python, container, tmp_path):
    return Launcher(python, container, tmp_path)


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


def test_the_scheduler_of_a_job_operator_runs_alone(launcher):
    code, output = launcher.run(
        *("--devices", 8, "--nodes", 2, "--rank-env", "mindspore-cluster", "--scheduler", "only"),
        *("--rendezvous-host", "127.0.0.1", "--rendezvous-port", 2222),
    )
    assert code == 0, output
    names = ("MS_ROLE", "MS_WORKER_NUM", "MS_LOCAL_WORKER", "MS_SCHED_HOST", "MS_SCHED_PORT", "MS_NODE_ID")
    assert values(launcher.noted(1), *names) == {"MS_SCHED": ("MS_SCHED", "16", "8", "127.0.0.1", "2222", None)}


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
    assert (logs / "ascend" / "rank_0").is_dir()
    launcher.run("--devices", 1, "--rank-env", "mindspore", "--log-dir", logs, **{name: "/var/log/npu"})
    assert launcher.noted(1)["0"]["env"][name] == "/var/log/npu"
    assert (logs / "rank_0.log").read_bytes() == b"up\nup\n"


def test_a_log_that_cannot_be_written_is_given_up(launcher, tmp_path):
    (tmp_path / "rank_0.log").symlink_to("/dev/full")
    code, output = launcher.run("--devices", 2, "--rank-env", "torch", "--log-dir", tmp_path)
    assert code == 0, output
    assert f"WARNING launch: {tmp_path}/rank_0.log is given up: No space left on device" in log(output)
    assert [lines(output, name) for name in ("rank 0", "rank 1")] == [["up"], ["up"]]
    assert (tmp_path / "rank_1.log").read_bytes() == b"up\n"


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
        argv=launcher.python_code("import sys; sys.stdout.write('10 %\\r20 %\\r\\nx' + 'y' * 70000 + '\\nlast')"),
    )
    assert code == 0, output
    first, *pieces, last = lines(output, "rank 0")
    assert (first, "".join(pieces) == "x" + "y" * 70000, last) == ("20 %", True, "last")


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
    launcher.run("--devices", 1, "--rank-env", "torch", ODD="a b\n$(x) 'q\"", MEET_TOKEN="secret")
    assert "MEET_TOKEN" not in launcher.noted(1)["0"]["env"]
    assert launcher.noted(1)["0"]["env"]["ODD"] == "a b\n$(x) 'q\""


USAGE_ERRORS = {
    "no command is given; put it after '--', as in: launch.py --devices 8 ... -- python train.py": [
        *("--devices", "1", "--rank-env", "torch")
    ],
    "--node-index is 2, but must be 0 to 1 (--nodes)": [
        *("--devices", "1", "--rank-env", "torch", "--nodes", "2", "--node-index", "2", "--", "x")
    ],
    "--nodes is 2, but --meet-host is not given; name pod 0, as in train-0.train, or a --meet-file that all pods"
    " share, or give --rendezvous-host, --rendezvous-port and another --rank-table than generated": [
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
