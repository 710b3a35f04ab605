"""A fine-tune of two pods as it runs in a cluster: task, launcher and ranks, on a volume that both share."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from artifacts import marker

from support.patience import until
from support.ranks_job import free_port
from support.training_ranks import CONFIG, PACKAGES, PROGRAM

PODS, DEVICES, STEPS = 2, 2, 6


class Cluster:
    """Pods that share `folder`, each with a working folder of its own."""

    def __init__(self, python, container, folder):
        self.folder, self.output = folder, folder / "store" / "glm-0a1b"
        self._python, self._container, self._port = python, container, free_port()
        self.meet = folder / "meet"
        self.config = folder / "run_glm.yaml"
        self.config.write_text(json.dumps(CONFIG))
        self.running = {}

    def start(self, index, **env):
        """Start pod `index` as its manifest would."""
        script = lambda name: str(self._container / f"{name}.py")  # noqa: E731
        task = [script("run_task"), "--output", self.output, "--name", "glm", "--lineage", "0a1b", "--format", "x"]
        task += ["--pods", PODS, "--pod-index", index, "--lease-heartbeat", 0.2, "--lease-takeover", 2]
        task += ["--require", "checkpoint/rank_*/*.ckpt"]
        launch = [script("launch"), "--devices", DEVICES, "--nodes", PODS, "--node-index", index]
        launch += ["--rank-env", "mindspore", "--work-dir", self.folder / f"work_{index}", "--grace", 2]
        launch += [
            "--meet-file",
            f"{self.output}.meet",
            "--meet-port",
            self._port,
            "--heartbeat",
            0.3,
            "--lost-after",
            3,
        ]
        train = [script("train_rank"), "--output", self.output, "--config", self.config, "--resume", "resume-training"]
        argv = [self._python, *task, "--", self._python, *launch, "--", self._python, *train, "--", PROGRAM]
        with (self.folder / f"pod_{index}.log").open("ab") as log:
            self.running[index] = subprocess.Popen(
                [*map(str, argv)],
                env={
                    **{"PATH": os.environ["PATH"], "POD_IP": f"127.0.0.{index + 2}", "PYTHONPATH": str(PACKAGES)},
                    **{
                        "OUTPUT": str(self.output),
                        "MEET": str(self.meet),
                        "STEPS": str(STEPS),
                        "POD": f"{self._port}.{index}",
                    },
                    **{"TERMINATION_MESSAGE_PATH": str(self.folder / f"cause_{index}"), "PYTHONDONTWRITEBYTECODE": "1"},
                    **env,
                },
                stdout=log,
                stderr=log,
            )

    def begin(self, **env):
        """Start both, with a fresh place for the ranks to wait for each other."""
        self.meet.mkdir(exist_ok=True)
        for path in self.meet.iterdir():
            path.unlink()
        for index in range(PODS):
            if index not in self.running:
                self.start(index, **env)

    def kill(self, index):
        """End every process of a pod at once."""
        mark = f"POD={self._port}.{index}\0".encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes():
                    os.kill(int(path.parent.name), signal.SIGKILL)
        self.running.pop(index).wait()

    def log(self, index):
        """What pod `index` has written."""
        return (self.folder / f"pod_{index}.log").read_text()


@pytest.fixture
def cluster(python, container, tmp_path):
    made = Cluster(python, container, tmp_path)
    yield made
    for index in list(made.running):
        made.kill(index)


@pytest.mark.parametrize(("lost", "hanging"), [(0, 1), (1, 2)])
def test_a_pod_that_is_lost_is_met_again_and_all_ranks_go_on_from_the_same_step(cluster, lost, hanging):
    cluster.begin(HANG=f"{hanging}:4")
    until((cluster.meet / "hangs").exists)
    for rank in range(PODS * DEVICES):
        noted = cluster.output / f"checkpoint/rank_{rank}/.complete/glm_rank_{rank}-1_3.ckpt"
        until(noted.is_file)
    cluster.kill(lost)
    for path in cluster.meet.iterdir():
        path.unlink()
    cluster.start(lost)
    codes = {index: process.wait(60) for index, process in cluster.running.items()}
    assert codes == {0: 0, 1: 0}, cluster.log(0) + cluster.log(1)
    assert marker.read(cluster.output) is not None
    told = [json.loads((cluster.meet / f"told_{rank}.json").read_text())["from"] for rank in range(PODS * DEVICES)]
    assert [history[-1] for history in told] == [3] * 4
    left = sorted(path.name for path in cluster.output.parent.iterdir())
    assert left == ["glm-0a1b"], "lease, record and meeting place go with the end"


def test_started_again_when_all_is_done_both_end_at_once(cluster):
    cluster.begin()
    assert {index: process.wait(60) for index, process in cluster.running.items()} == {0: 0, 1: 0}
    before = (cluster.output / marker.MARKER_NAME).read_bytes()
    cluster.running.clear()
    cluster.begin(HANG="0:1")
    assert {index: process.wait(10) for index, process in cluster.running.items()} == {0: 0, 1: 0}
    assert (cluster.output / marker.MARKER_NAME).read_bytes() == before
