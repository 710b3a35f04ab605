"""Every step of the ATB weights, killed in the middle by either signal and started again."""

from __future__ import annotations

import signal

import pytest

from support.atb_kill import check_killed
from support.atb_steps import Steps


@pytest.fixture(scope="module")
def steps(python, container, tmp_path_factory) -> Steps:
    return Steps(python, container, tmp_path_factory.mktemp("atb"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("step", ["shard", "quantize", "compress"])
def test_the_second_run_makes_what_one_run_makes(steps, step, how):
    check_killed(steps, steps.store / f"killed-{step}-{how}", step, how)
