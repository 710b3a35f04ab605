"""The suite of many pods at the size of a real job: 12 pods of 8 devices, on one machine."""

from __future__ import annotations

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
