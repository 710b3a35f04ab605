"""MindSpore's own launcher in a pod: its workers' output is seen, and the pod ends as they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from support.patience import until
from support.ranks_launcher import alive, lines
from support.script import Script

HERE = Path(__file__).resolve().parent / "support"


class Pod:
    """`launch_msrun.py` with two workers, whose notes are in `notes`."""

    def __init__(self, python, container, folder):
        self._script = Script(python, container, "launch_msrun", folder)
        self.notes, self.logs = folder / "notes", folder / "store" / "log"
        self.notes.mkdir()
        tools = folder / "bin"
        tools.mkdir()
        (tools / "python3").symlink_to(sys.executable)
        (tools / "msrun").symlink_to(HERE / "msrun" / "msrun")
        self.env = {"PATH": f"{tools}:{os.environ['PATH']}", "POD_IP": "127.0.0.1"}

    def start(self, *flags, **env):
        """Start it; a worker is a shell script under Python's name for msrun's sake."""
        program = "import os, sys; os.execvp('sh', ['sh', *sys.argv[1:]])"
        worker = ("python3", "-c", program, HERE / "msrun_worker.sh", self.notes)
        return self._script.start(
            *("--devices", 2, "--log-dir", self.logs, "--grace", 5, *flags, "--", *worker), **{**self.env, **env}
        )

    def up(self, *names):
        """Wait until all of `names` have noted their environment."""
        until(lambda: all((self.notes / f"{name}.pwd").exists() for name in names))

    def seen(self, process):
        """Wait until the output of all of them has been shown, so that the launcher knows them."""
        waiting = {"[worker 0]", "[worker 1]", "[scheduler]"}
        while waiting:
            line = process.stdout.readline()
            assert line, waiting
            waiting = {prefix for prefix in waiting if not line.startswith(prefix)}

    def given(self, name, *variables):
        """The values of `variables` in the environment of `name`."""
        found = dict(line.split("=", 1) for line in (self.notes / f"{name}.env").read_text().splitlines())
        return [found.get(variable) for variable in variables]

    def end(self, process, number=0):
        """Send a signal if there is one, and wait for the end: code and output."""
        if number:
            process.send_signal(number)
        try:
            output, _ = process.communicate(timeout=20)
        finally:
            process.kill()
        return process.returncode, output

    @property
    def cause(self):
        """The termination message."""
        return self._script.cause


@pytest.fixture
def pod(python, container, tmp_path):
    return Pod(python, container, tmp_path)


@pytest.fixture(params=["old", "new"])
def age(request):
    """Which msrun: one that waits in order, or one that kills all after the first failure."""
    return {"STUB_MSRUN": request.param}


def test_workers_of_a_single_pod_are_seen_and_end_well(pod, age, tmp_path):
    process = pod.start(**age)
    pod.up("worker_0", "worker_1", "scheduler")
    names = ("MS_ROLE", "MS_NODE_ID", "MS_WORKER_NUM", "MS_SCHED_HOST", "MS_SCHED_PORT", "PYTHONUNBUFFERED")
    assert pod.given("worker_1", *names) == ["MS_WORKER", "1", "2", "127.0.0.1", "8118", "1"]
    (pod.notes / "go").touch()
    code, output = pod.end(process)
    assert (code, pod.cause) == (0, "")
    for name in ("worker 0", "worker 1", "scheduler"):
        spoken = name.replace(" ", "_")
        assert lines(output, name) == [f"{spoken} is up", f"{spoken} is done"]
    assert "INFO launch_msrun: every worker ended with 0" in output
    assert (pod.logs / "worker_0.log").read_text() == "worker_0 is up\nworker_0 is done\n"


def test_output_is_seen_while_the_workers_run(pod, age):
    process = pod.start(**age)
    until(lambda: "[worker 1] worker_1 is up\n" in iter(process.stdout.readline, "nothing"))
    (pod.notes / "go").touch()
    assert pod.end(process)[0] == 0


def test_the_first_failure_gives_code_and_cause(pod, age):
    process = pod.start(**age)
    pod.seen(process)
    (pod.notes / "fail_worker_1").write_text("7")
    code, _ = pod.end(process)
    assert code == 7
    tail = "\n".join(map(str, range(11, 31)))
    assert pod.cause == f"worker 1 ended with code 7; its last 20 lines:\n{tail}"


def test_a_worker_that_is_killed(pod, age):
    process = pod.start(**age)
    pod.seen(process)
    os.kill(pid_of(pod, "worker_1"), signal.SIGKILL)
    code, output = pod.end(process)
    assert code == 137, output
    assert pod.cause == "worker 1 was ended by SIGKILL (code 137); its last line:\nworker_1 is up"


def test_a_worker_whose_code_msrun_has_taken_and_not_told(pod):
    process = pod.start(STUB_MSRUN="old")
    pod.seen(process)
    (pod.notes / "fail_worker_0").write_text("7")
    assert pod.end(process)[0] in (1, 7), "an older msrun waits for its first worker and reaps it at once"
    assert pod.cause.startswith("worker 0 ended with code ")
    assert pod.cause.endswith("\n29\n30")


def pid_of(pod, name):
    """The process of a worker, by its environment."""
    role = f"MS_NODE_ID={name.partition('_')[2]}\0".encode()
    program = f"{HERE / 'msrun_worker.sh'}\0{pod.notes}\0".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            found, command = path.read_bytes(), (path.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if role in found and b"MS_ROLE=MS_WORKER\0" in found and command.endswith(program):
            return int(path.parent.name)
    raise AssertionError(name)


def test_workers_that_are_told_to_stop_all_get_the_time_to_save(pod, age):
    (pod.notes / "save").touch()
    process = pod.start(**age)
    pod.seen(process)
    code, output = pod.end(process, signal.SIGTERM)
    assert (code, pod.cause) == (42, "told to stop by SIGTERM"), output
    assert sorted(path.name for path in pod.notes.glob("*.saved")) == ["worker_0.saved", "worker_1.saved"]


def test_nothing_is_left_of_workers_that_do_not_stop(pod, age):
    process = pod.start("--grace", 1, **age)
    pod.seen(process)
    pids = [pid_of(pod, "worker_0"), pid_of(pod, "worker_1")]
    os.kill(pids[1], signal.SIGSTOP)
    code, output = pod.end(process, signal.SIGTERM)
    assert code == 42
    assert "WARNING launch_msrun: worker 1 still there after 1 s: killed" in output
    until(lambda: not any(alive(pid) for pid in pids))


def test_logs_of_an_earlier_run_are_kept_and_not_shown(pod):
    pod.logs.mkdir(parents=True)
    (pod.logs / "worker_0.log").write_text("of yesterday\n")
    (pod.notes / "go").touch()
    code, output = pod.end(pod.start())
    assert (code, "of yesterday" in output) == (0, False)
    assert (pod.logs / "worker_0.previous.log").read_text() == "of yesterday\n"


@pytest.fixture
def scheduler():
    """Something that listens, as pod 0's scheduler does."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_the_other_pods_look_up_the_first_one(pod, scheduler):
    flags = ("--pods", 3, "--pod-index", 2, "--master-host", "127.0.0.1", "--port", scheduler)
    process = pod.start(*flags, POD_IP="10.0.0.9", STUB_LOCAL_IP="10.0.0.9", STUB_NO_SCHEDULER="1")
    pod.up("worker_4", "worker_5")
    names = ("MS_NODE_ID", "MS_WORKER_NUM", "MS_SCHED_HOST", "MS_SCHED_PORT")
    assert pod.given("worker_5", *names) == ["5", "6", "127.0.0.1", str(scheduler)]
    (pod.notes / "go").touch()
    assert pod.end(process)[0] == 0


def test_the_first_pod_may_tell_the_others_by_a_file_where_it_is(pod, tmp_path):
    file = tmp_path / "store" / "glm.meet"
    process = pod.start("--pods", 3, "--meet-file", file, POD_IP="10.0.0.7", STUB_LOCAL_IP="10.0.0.7")
    pod.up("worker_0", "scheduler")
    assert json.loads(file.read_text()) == {"version": 1, "host": "10.0.0.7", "token": ""}
    (pod.notes / "go").touch()
    assert pod.end(process)[0] == 0
    assert not file.exists()


def test_a_file_that_leads_to_an_earlier_pod_is_read_again(pod, tmp_path, scheduler):
    file = tmp_path / "glm.meet"
    file.write_text(json.dumps({"version": 1, "host": "240.0.0.1", "token": ""}))
    flags = ("--pods", 2, "--pod-index", 1, "--meet-file", file, "--port", scheduler)
    process = pod.start(*flags, STUB_NO_SCHEDULER="1")
    time.sleep(0.5)
    assert list(pod.notes.iterdir()) == []
    file.write_text(json.dumps({"version": 1, "host": "127.0.0.1", "token": ""}))
    pod.up("worker_2", "worker_3")
    assert pod.given("worker_3", "MS_SCHED_HOST") == ["127.0.0.1"]
    (pod.notes / "go").touch()
    assert pod.end(process)[0] == 0


def test_a_first_pod_that_never_comes_is_named(pod, tmp_path):
    file = tmp_path / "glm.meet"
    flags = ("--pods", 2, "--pod-index", 1, "--meet-file", file, "--cluster-time-out", 1)
    assert pod.end(pod.start(*flags))[0] == 50
    assert pod.cause == f"pod 0 was not there within 1 s: it has not written {file}"


def test_the_first_of_many_pods_is_the_master_by_its_own_address(pod):
    process = pod.start("--pods", 3, POD_IP="10.0.0.7", STUB_LOCAL_IP="10.0.0.7")
    pod.up("worker_0", "scheduler")
    assert pod.given("worker_0", "MS_SCHED_HOST") == ["10.0.0.7"]
    (pod.notes / "go").touch()
    assert pod.end(process)[0] == 0


REFUSED = {
    ("--pods", 2, "--pod-index", 2): "--pod-index is 2, but must be 0 to 1 (--pods)",
    ("--pods", 2, "--pod-index", 1): "--master-host is not given; name pod 0, as in train-0.train,"
    " or a --meet-file that all share",
}


@pytest.mark.parametrize("flags", REFUSED)
def test_flags_that_do_not_go_together(pod, flags):
    assert pod.end(pod.start(*flags))[0] == 20
    assert pod.cause == REFUSED[flags]


def test_a_name_that_never_appears(pod):
    flags = ("--pods", 2, "--pod-index", 1, "--master-host", "nowhere.invalid", "--cluster-time-out", 1)
    assert pod.end(pod.start(*flags))[0] == 50
    assert pod.cause.startswith("pod 0 was not there within 1 s: nowhere.invalid, port 8118: ")


def test_an_image_without_msrun(pod, tmp_path):
    assert pod.end(pod.start(PATH=str(tmp_path)))[0] == 30
    assert pod.cause == "this image has no msrun, which came with MindSpore 2.3; use launch.py instead"
