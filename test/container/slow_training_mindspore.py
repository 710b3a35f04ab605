"""Ranks of the real MindFormers on the real MindSpore, two of them on a CPU: stopped, killed, and gone on with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support.patience import until
from support.ranks_job import free_port

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "test/cluster/mindformers/root/opt/mindformers"
CONFIG = "configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml"

SETTINGS = {
    "parallel.parallel_mode": 0,
    "parallel.enable_parallel_optimizer": False,
    "parallel.full_batch": False,
    "parallel.gradients_mean": True,
    "parallel_config.data_parallel": 2,
    "callbacks[CheckpointMointor].save_checkpoint_steps": 10,
    "callbacks[CheckpointMointor].keep_checkpoint_max": 3,
}


@pytest.fixture(scope="module")
def vendor():
    """The folder of the environment's programs."""
    made = subprocess.run(["sh", ROOT / "test/vendor/mindspore.sh"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(made.stdout.strip())


class Training:
    """Two ranks of a ChatGLM3 of one layer, started by one of the two launchers."""

    def __init__(self, vendor, folder):
        self.folder, self.output, self._port = folder, folder / "glm-0a1b", free_port()
        self._env = {
            **os.environ,
            "PATH": f"{vendor}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "test/vendor/cpu"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERMINATION_MESSAGE_PATH": str(folder / "cause"),
            "OMP_NUM_THREADS": "1",
        }
        made = subprocess.run(
            ["python3", TREE / "tiny_chatglm3.py", folder / "raw"],
            env=self._env,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        self._small = made.stdout.split()
        packages = vendor.parent.glob("lib/python3*/site-packages")
        self._config = next(path / CONFIG for path in packages)

    def start(self, launcher, epochs):
        """Start it; the launcher's output goes to a file."""
        settings = [f"{key}={value}" for key, value in SETTINGS.items()] + [word[2:] for word in self._small]
        rank = ("--output", self.output, "--config", self._config, "--resume", "resume-training", "--save-on-term")
        sets = [word for setting in settings for word in ("--set", setting)]
        program = (
            *(TREE / "run_mindformer.py", "--run_mode", "finetune", "--device_target", "CPU", "--use_parallel", "True"),
            *("--load_checkpoint", "", "--train_dataset_dir", self.folder / "raw/train.json"),
            *("--eval_dataset_dir", self.folder / "raw/dev.json", "--output_dir", self.output, "--sink_mode", "False"),
            *("--epochs", epochs, "--batch_size", 2),
        )
        flags = {
            "launch_msrun": ("--port", self._port, "--log-dir", self.folder / "log", "--cluster-time-out", 120),
            "launch": ("--rank-env", "mindspore-cluster", "--work-dir", self.folder / "work"),
        }[launcher]
        train = ("python3", ROOT / "container/train_rank.py", *rank, *sets, "--", *program)
        self.log = self.folder / f"{launcher}_{epochs}.log"
        with self.log.open("w") as log:
            return subprocess.Popen(
                [
                    "python3",
                    *map(str, (ROOT / f"container/{launcher}.py", "--devices", 2, "--grace", 60, *flags, "--", *train)),
                ],
                env=self._env,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )

    def said(self, pattern):
        """What the launcher and the ranks have written, as far as it matches."""
        return re.findall(pattern, self.log.read_text("utf-8", "replace"))

    def until_said(self, pattern, process):
        """Wait until something was written."""
        until(lambda: self.said(pattern) or process.poll() is not None, 300)
        assert self.said(pattern), self.log.read_text("utf-8", "replace")[-8000:]

    def noted(self, rank):
        """The steps that a rank has finished."""
        return {path.stem.rpartition("-")[2] for path in self.output.glob(f"checkpoint/rank_{rank}/.complete/*.ckpt")}


@pytest.fixture
def training(vendor, tmp_path):
    return Training(vendor, tmp_path)


FINISHED = r"rank \d has finished epoch \d+ step \d"
GOING_ON = r"going on from epoch (\d+) step (\d), finished by all 2 ranks"


def test_by_msrun_both_save_the_same_step_when_they_are_told_to_stop(training):
    process = training.start("launch_msrun", 400)
    training.until_said(FINISHED, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 42, training.log.read_text()[-8000:]
    stops = set(training.said(r"saving and stopping after step (\d+)"))
    assert len(stops) == 1
    step = int(stops.pop())
    # Ten examples, two ranks, batches of two: two steps an epoch.
    last = f"{(step + 1) // 2}_{(step - 1) % 2 + 1}"
    assert last in training.noted(0) & training.noted(1)

    process = training.start("launch_msrun", (step + 1) // 2 + 3)
    assert process.wait(300) == 0, training.log.read_text()[-8000:]
    assert set(training.said(GOING_ON)) == {(str((step + 1) // 2), str((step - 1) % 2 + 1))}
    assert training.said(r"initial step: (\d+)") == [str(step)] * 2


def test_by_the_launcher_a_killed_rank_ends_the_other_and_both_go_on(training):
    process = training.start("launch", 400)
    training.until_said(r"\[rank 1\] .*" + FINISHED, process)
    until(lambda: training.noted(0) & training.noted(1))
    marks = (b"train_rank.py", str(training.output).encode())
    ranks = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if all(mark in read(path) for mark in marks) and b"MS_NODE_ID=1\0" in read(path.parent / "environ")
    ]
    os.kill(min(ranks), signal.SIGKILL)
    assert process.wait(120) == 137
    assert (
        (training.folder / "cause").read_text().startswith("rank 1 was ended by SIGKILL (code 137); its last 20 lines:")
    )
    newest = max(int(step.partition("_")[0]) for step in training.noted(0) & training.noted(1))

    process = training.start("launch", newest + 5)
    assert process.wait(300) == 0, training.log.read_text()[-8000:]
    assert {epoch for epoch, _ in training.said(GOING_ON)} == {str(newest)}


def read(path):
    """The bytes of a file of /proc, none if the process is gone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
