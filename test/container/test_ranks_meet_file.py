"""Pods that find pod 0 by a file of their shared volume, with neither Service nor Secret."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest
from ranks import meet_file

from support.ranks_job import Job

WITHOUT = {"MEET_TOKEN": ""}


@pytest.fixture
def size():
    """Pods and devices of each; a slow suite runs all of this file at the size of a real job."""
    return (3, 2)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store" / "glm-0a1b.meet"


@pytest.fixture
def job(python, container, tmp_path, size, file):
    job = Job(python, container, tmp_path, *size)
    job.meeting = ("--meet-file", file)
    yield job
    job.stop()


def start_all(job, without=(), **env):
    for index in reversed(range(job.pods)):
        if index not in without:
            job.start(index, **{**WITHOUT, "POD_IP": f"127.0.0.{index + 2}", **env})


def met_at(host, port):
    """Whether somebody was or is connected to `host`:`port` of this machine, by the kernel's own list."""
    address = f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
    lists = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    ends = [line.split() for text in lists for line in text.splitlines()[1:]]
    return any(end[1].endswith(address) and end[2][-4:] != "0000" for end in ends)


def test_pods_meet_by_the_file_alone_and_it_goes_with_the_end(job, file):
    start_all(job)
    job.until_up()
    point = json.loads(file.read_text())
    assert (point["version"], point["host"], len(point["token"])) == (1, "127.0.0.2", 32)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    job.open_gate()
    assert job.codes() == job.everyone()
    assert list(file.parent.iterdir()) == []


def test_a_first_pod_at_another_address_is_found_with_the_same_token(job, file):
    start_all(job)
    job.until_up()
    assert met_at("127.0.0.2", job.port)
    assert not met_at("127.0.0.99", job.port)
    token = json.loads(file.read_text())["token"]
    job.kill(0)
    # All of 127.0.0.0/8 is this machine, so that the old address must be made to lead nowhere.
    file.write_text(json.dumps({"version": 1, "host": "240.0.0.1", "token": token}))
    job.wait_for(lambda: all("pod 0 was silent for 4 s" in job.log(index) for index in range(1, job.pods)))
    job.start(0, **WITHOUT, POD_IP="127.0.0.99")
    job.until_up(2)
    assert json.loads(file.read_text()) == {"version": 1, "host": "127.0.0.99", "token": token}
    assert met_at("127.0.0.99", job.port)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_a_file_of_an_earlier_job_leads_nowhere_until_the_first_pod_is_there(job, file):
    file.parent.mkdir()
    file.write_text(json.dumps({"version": 1, "host": "240.0.0.1", "token": "kept"}))
    start_all(job, without=(0,))
    job.start(0, **WITHOUT, POD_IP="127.0.0.2")
    job.until_up()
    assert json.loads(file.read_text()) == {"version": 1, "host": "127.0.0.2", "token": "kept"}
    job.open_gate()
    assert job.codes() == job.everyone()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2, "host": "127.0.0.2", "token": "a"}'])
def test_a_file_that_makes_no_sense_is_as_good_as_none(tmp_path, text):
    path = tmp_path / "meet"
    path.write_text(text)
    assert meet_file.read(path) is None
    tokens = {meet_file.kept_token(path) for _ in range(2)}
    assert [len(token) for token in tokens] == [32, 32]
    meet_file.announce(path, meet_file.MeetingPoint("10.0.0.7", tokens.pop()))
    assert meet_file.read(path).host == "10.0.0.7"


def test_two_jobs_of_one_node_have_a_port_each(job, file):
    """As on the host's network, where the pods 0 of both have one address."""
    with socket.socket() as other:
        other.bind(("", job.port))
        other.listen()
        start_all(job)
        job.until_up()
        point = json.loads(file.read_text())
        assert sorted(point) == ["host", "port", "token", "version"]
        assert point["port"] not in (0, job.port)
        assert (
            f"pod 0 cannot listen on port {job.port} (--meet-port): Address already in use; choose a free one;"
            f" the pods meet at port {point['port']} instead"
        ) in job.log(0)
        job.open_gate()
        assert job.codes() == job.everyone()


def test_a_token_of_the_environment_counts_and_is_not_written(job, file):
    start_all(job, MEET_TOKEN="of a Secret")
    job.until_up()
    assert json.loads(file.read_text()) == {"version": 1, "host": "127.0.0.2", "token": ""}
    job.open_gate()
    assert job.codes() == job.everyone()


def test_pods_without_a_file_say_so(job, file):
    job.start(1, "--wait", 1, **WITHOUT)
    assert job.codes() == {1: 50}
    assert job.cause(1) == (f"the pods did not meet within 1 s: pod 0 cannot be reached (pod 0 has not written {file})")


def test_another_jobs_pod_at_the_old_address_is_no_refusal(job, file):
    file.parent.mkdir()
    file.write_text(json.dumps({"version": 1, "host": "127.0.0.1", "token": "old"}))
    other = job.start(0, MEET_TOKEN="of another job", POD_IP="127.0.0.7")
    job.wait_for(lambda: "127.0.0.7" in file.read_text())
    file.write_text(json.dumps({"version": 1, "host": "127.0.0.1", "token": "old"}))
    job.start(1, "--wait", 2, **WITHOUT)
    assert job.running[1].wait(20) == 50
    assert job.cause(1) == ("the pods did not meet within 2 s: pod 0 cannot be reached (wrong token (status 401))")
    other.kill()


def test_a_folder_that_cannot_be_written_is_named(job, file):
    file.parent.write_text("no folder")
    job.start(0, **WITHOUT)
    assert job.codes() == {0: 40}
    assert job.cause(0) == f"cannot use {file}: File exists"
