"""Many pods: they meet at pod 0, run as one job, and meet again in place when one is lost."""

from __future__ import annotations

import json
import random
import time

import pytest

from support.ranks_job import Job
from support.ranks_tables import operator_table


@pytest.fixture
def size():
    """Pods and devices of each; a slow suite runs all of this file at the size of a real job."""
    return (3, 2)


@pytest.fixture
def job(python, container, tmp_path, size):
    job = Job(python, container, tmp_path, *size)
    yield job
    job.stop()


def given(job, generation):
    """What each rank was told at its start number `generation`: rank, size, device."""
    return [job.starts(rank)[generation - 1][:3] for rank in range(job.pods * job.devices)]


def expected(job):
    total = job.pods * job.devices
    return [[str(rank), str(total), str(rank % job.devices)] for rank in range(total)]


def test_pods_that_start_in_any_order_run_as_one_job(job):
    order = list(range(job.pods))
    random.Random(7).shuffle(order)
    for index in order:
        job.start(index)
        time.sleep(0.02)
    job.until_up()
    assert given(job, 1) == expected(job)
    tables = {(job.notes / f"table_{rank}").read_text() for rank in range(job.pods * job.devices)}
    assert len(tables) == 1
    table = json.loads(tables.pop())
    assert [server["server_id"] for server in table["server_list"]] == [f"172.16.0.{pod}" for pod in range(job.pods)]
    ranks = [int(device["rank_id"]) for server in table["server_list"] for device in server["device"]]
    assert ranks == list(range(job.pods * job.devices))
    job.open_gate()
    assert job.codes() == job.everyone()
    assert job.ranks_alive() == []


def test_a_pod_that_is_killed_and_restarted_is_met_again_in_place(job):
    job.start_all()
    job.until_up()
    launchers = {index: process.pid for index, process in job.running.items()}
    job.kill(1)
    job.start(1)
    job.until_up(2)
    assert {index: process.pid for index, process in job.running.items() if index != 1} == {
        index: pid for index, pid in launchers.items() if index != 1
    }
    assert given(job, 2) == expected(job)
    assert "WARNING launch: pod 1 was started again; meeting the other pods again" in job.log(0)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_pod_0_may_be_killed_and_restarted_too(job):
    job.start_all()
    job.until_up()
    job.kill(0)
    job.start(0)
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()
    assert "pod 0 was started again; meeting the other pods again" in job.log(1)


def test_only_the_pod_of_the_rank_that_fails_ends(job):
    job.start_all()
    job.until_up()
    failing = job.devices + 1
    job.fail(failing)
    assert job.running[1].wait(20) == 138
    assert job.cause(1) == f"rank {failing} was ended by SIGUSR1 (code 138)"
    job.start(1)
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()
    assert f"pod 1: rank {failing} was ended by SIGUSR1 (code 138); meeting the other pods again" in job.log(0)


def test_when_pod_0_fails_the_others_wait_for_the_next(job):
    job.start_all()
    job.until_up()
    job.fail(0)
    assert job.running[0].wait(20) == 138
    job.wait_for(lambda: "pod 0: rank 0 was ended by SIGUSR1 (code 138); meeting the other pods again" in job.log(2))
    job.start(0)
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_ranks_that_fail_because_of_another_pods_do_not_end_their_pod(job):
    job.start_all()
    job.until_up()
    for rank in range(0, job.pods * job.devices, job.devices):
        job.fail(rank)
    job.wait_for(lambda: any(process.poll() is not None for process in job.running.values()))
    time.sleep(1)
    ended = [index for index, process in job.running.items() if process.poll() is not None]
    assert len(ended) == 1, job.logs()
    job.start(ended[0])
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_a_pod_that_is_told_to_stop_leaves_at_once(job):
    job.start_all()
    job.until_up()
    job.running[2].terminate()
    assert job.running[2].wait(20) == 42
    job.wait_for(lambda: "pod 2: told to stop by SIGTERM; meeting the other pods again" in job.log(0))
    job.start(2)
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()


def finish_pod_0(job):
    for rank in range(job.devices):
        job.finish(rank)
    job.wait_for(lambda: job.log(0).count("ended with code 0") == job.devices)


def test_a_pod_that_is_done_waits_and_starts_again_when_another_fails_late(job):
    job.start_all()
    job.until_up()
    finish_pod_0(job)
    job.fail(job.devices)
    assert job.running[1].wait(20) == 138
    assert job.running[0].poll() is None
    job.start(1)
    job.until_up(2)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_a_pod_that_is_done_and_told_to_stop_is_not_done(job):
    job.start_all()
    job.until_up()
    finish_pod_0(job)
    job.running[0].terminate()
    assert job.running[0].wait(20) == 42
    assert job.cause(0) == "told to stop while the ranks of other pods were still running"


def test_torch_ranks_meet_at_pod_0(job):
    job.start_all("--rank-env", "torch", "--rank-table", "none")
    job.until_up()
    total = str(job.pods * job.devices)
    shared = {tuple(job.env(rank, "MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE")) for rank in range(int(total))}
    assert len(shared) == 1
    host, port, size = shared.pop()
    assert (host, size, 1024 <= int(port) <= 65535) == ("127.0.0.1", total, True)
    local = [job.env(rank, "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE") for rank in range(int(total))]
    assert local == [[str(rank), str(rank % job.devices), str(job.devices)] for rank in range(int(total))]
    job.open_gate()
    assert job.codes() == job.everyone()


def test_a_cluster_has_one_scheduler_at_pod_0(job):
    job.start_all("--rank-env", "mindspore-cluster", "--rank-table", "none")
    job.until_up()
    total = job.pods * job.devices
    names = ("MS_SCHED_HOST", "MS_SCHED_PORT", "MS_WORKER_NUM", "MS_LOCAL_WORKER")
    job.wait_for(lambda: job.starts("scheduler"))
    shared = {tuple(job.env(rank, *names)) for rank in [*range(total), "scheduler"]}
    assert len(shared) == 1
    assert [job.env(rank, "MS_ROLE", "MS_NODE_ID") for rank in range(total)] == [
        ["MS_WORKER", str(rank)] for rank in range(total)
    ]
    assert job.env("scheduler", "MS_ROLE", "MS_NODE_ID") == ["MS_SCHED", None]
    assert ["scheduler" in job.log(index) for index in range(job.pods)] == [True] + [False] * (job.pods - 1)
    job.open_gate()
    assert job.codes() == job.everyone()


def test_pods_with_a_scheduler_outside_do_not_meet_it_again(job):
    cluster = ("--rank-env", "mindspore-cluster", "--rank-table", "none")
    job.start_all(*cluster, "--scheduler", "outside", "--rendezvous-port", 8118)
    job.until_up()
    job.kill(1)

    advice = "MindSpore's scheduler knows these ranks already, so all pods have to start again"
    for pod, process in job.running.items():
        assert process.wait(20) == 40
        assert advice in job.cause(pod)


def test_the_operators_table_is_the_same_for_all_before_a_rank_starts(job):
    """A ConfigMap reaches the nodes one after the other, and old content stays until then."""
    old, new = operator_table(job.pods, job.devices), operator_table(job.pods, job.devices, "1.2")
    files = [job.folder / f"hccl_{index}.json" for index in range(job.pods)]
    for index, file in enumerate(files):
        file.write_text(json.dumps(old if index else new))
        flags = ("--rank-table", "operator", "--rank-table-file", file)
        job.start(index, *flags, POD_UID=f"uid-{index}")
    time.sleep(1)
    assert [job.starts(rank) for rank in range(job.pods * job.devices)] == [[]] * job.pods * job.devices
    for file in files[1:]:
        file.with_suffix(".part").write_text(json.dumps(new))
        file.with_suffix(".part").rename(file)
    job.until_up()
    assert given(job, 1) == expected(job)
    assert (job.notes / "table_1").read_text() == json.dumps(new)
    job.open_gate()
    assert job.codes() == job.everyone()
