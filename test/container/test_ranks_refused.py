"""Jobs of many pods that must not start: somebody is missing, or what the pods say does not fit together."""

from __future__ import annotations

import re
import socket

import pytest
from support.ranks_job import Job


@pytest.fixture
def size():
    """Three pods of two devices; a slow suite runs all of this file at the size of a real job."""
    return (3, 2)


@pytest.fixture
def job(python, container, tmp_path, size):
    job = Job(python, container, tmp_path, *size)
    yield job
    job.stop()


def test_a_pod_that_is_missing_is_named(job):
    seconds = 2 + job.pods // 3
    job.start_all("--wait", seconds, without=(1,))
    assert set(job.codes().values()) == {50}
    pattern = (
        rf"the pods did not meet within {seconds} s: (pod 0 cannot be reached \(.*\); before that, )?"
        rf"pod 1 of {job.pods} did not come(, pods? [0-9, ]+ left)?"
    )
    causes = [job.cause(index) for index in job.running]
    assert [cause for cause in causes if not re.fullmatch(pattern, cause)] == []


def test_a_pod_0_that_is_missing_is_named(job):
    job.start(1, "--wait", 0.5)
    assert job.codes() == {1: 50}
    assert job.cause(1) == (
        "the pods did not meet within 0.5 s: pod 0 cannot be reached ([Errno 111] Connection refused)"
    )


def test_devices_with_the_same_address_are_refused_by_all(job):
    job.start_all(without=(2,))
    job.start(2, STUB_HCCN_NETWORK="192.168.1")
    assert job.codes() == job.everyone(29)
    doubles = "; ".join(
        f"device_ip 192.168.1.{100 + device} belongs to device {device} of server 172.16.0.1"
        f" and device {device} of server 172.16.0.2"
        for device in range(job.devices)
    )
    message = f"rank table of the pods' own descriptions cannot be used: {doubles}"
    assert [job.cause(index) for index in range(job.pods)] == [message] * job.pods
    assert job.starts(0) == []


def test_pods_of_the_same_address_are_refused_by_all(job):
    job.start_all(without=(2,))
    job.start(2, POD_IP="172.16.0.1")
    assert job.codes() == job.everyone(29)
    assert job.cause(0) == (
        "rank table of the pods' own descriptions cannot be used: server_id 172.16.0.1 is there 2 times"
    )


def test_another_token_does_not_get_in(job):
    job.start(0)
    job.wait_for(lambda: listening(job))
    job.start(1, "--wait", 1, MEET_TOKEN="of another job")
    assert job.running[1].wait(20) == 21
    assert job.running[0].poll() is None
    assert job.cause(1) == ("the pods did not meet within 1 s: pod 0 cannot be reached (wrong token (status 401))")


def test_no_token_is_an_error(job):
    job.start(0, MEET_TOKEN="")
    assert job.codes() == {0: 31}
    assert job.cause(0) == ("MEET_TOKEN is not set; give all pods of the job the same secret by this variable")


def test_pods_with_other_settings_do_not_get_in(job):
    job.start(0)
    job.start(1, "--rank-env", "torch")
    assert job.running[1].wait(20) == 31
    assert job.cause(1) == "pod 1 has --rank-env 'torch', but pod 0 has 'mindspore'"


def test_a_port_in_use_is_named(job):
    job.start(0, "--wait", 20)
    job.wait_for(lambda: listening(job))
    second = job.start(0)
    assert second.wait(10) == 31
    assert job.cause(0) == (
        f"pod 0 cannot listen on port {job.port} (--meet-port): Address already in use; choose a free one"
    )


def listening(job):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", job.port)) == 0
