"""The suite of many pods at the size of a real job: 12 pods of 8 devices, on one machine."""

from __future__ import annotations

import json

import pytest

from test_ranks_many_pods import *  # noqa: F403 (its tests are run again here)
from test_ranks_refused import *  # noqa: F403


@pytest.fixture
def size():
    """Twelve pods of eight devices."""
    return (12, 8)


def test_a_pod_that_falls_silent_is_noticed(job):
    job.start_all()
    job.until_up()
    job.kill(2)
    job.wait_for(lambda: "pod 2 was silent for 4 s; meeting the other pods again" in job.log(1))
    assert job.running[1].poll() is None
    job.start(2)
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_pods_that_find_each_other_by_a_file_survive_a_first_pod_at_another_address(job, tmp_path):
    file = tmp_path / "store" / "glm-0a1b.meet"
    job.meeting = ("--meet-file", file)
    for index in reversed(range(job.pods)):
        job.start(index, MEET_TOKEN="", POD_IP=f"127.0.0.{index + 2}")
    job.until_up()
    token = json.loads(file.read_text())["token"]
    job.kill(0)
    # All of 127.0.0.0/8 is this machine, so that the old address must be made to lead nowhere.
    file.write_text(json.dumps({"version": 1, "host": "240.0.0.1", "token": token}))
    job.wait_for(lambda: all("pod 0 was silent for 4 s" in job.log(index) for index in range(1, job.pods)))
    job.start(0, MEET_TOKEN="", POD_IP="127.0.0.99")
    job.until_up(2)
    assert json.loads(file.read_text()) == {"version": 1, "host": "127.0.0.99", "token": token}
    job.open_gate()
    assert job.codes() == job.everyone()
    assert not file.exists()
