"""A step under run_task.py, killed in the middle and started again in what it left."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from support.atb_steps import Steps, contents


def check_killed(steps: Steps, output: Path, step: str, how: int) -> None:
    """The second run makes what one run makes."""
    if step == "shard":
        expected = steps.sharded("w8a8", 2)
        flags = ["--source", steps.weights, "--precision", "w8a8", "--tp-size", 2, "--quantized"]
        flags.append(steps.store / "quantized-w8a8")
    elif step == "quantize":
        expected = steps.quantized("w8a8")
        flags = ["--source", steps.weights, "--dataset", steps.ceval, "--precision", "w8a8"]
    else:
        expected = steps.compressed()
        flags = ["--source", steps.store / "sharded-sparse-2"]
    name = {"shard": "shard_weights", "quantize": "quantize_weights", "compress": "compress_weights"}[step]
    task = steps.script("run_task")
    command = steps.under_task(output, name, *flags)
    first = task.start(*command, STUB_SECONDS="0.2")
    await_half(output)
    if how == signal.SIGKILL:
        kill_with_descendants(first.pid)
    first.send_signal(how)
    first.communicate(timeout=20)
    assert first.returncode != 0
    assert contents(output)
    assert not (output / ".cdk8s-chatglm.json").exists()
    code, said = task.run(*command)
    assert code == 0, said
    made = contents(output)
    assert made.pop(".cdk8s-chatglm.json")
    assert made == contents(expected)


def kill_with_descendants(pid: int) -> None:
    """End a process and all below it at once, as the end of a container does."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                kill_with_descendants(int(stat.parent.name))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def await_half(output) -> None:
    """Wait until the stand-in has written some of its files."""
    limit = time.monotonic() + 15
    kinds = ("part_model/1/config.json", "quant/fp_bias.npy", "compressed/compress0/index/layers.2.dat")
    while not any(
        (output / ".work" / place / kind).exists() for place in ("model/tensor_parallel_tp2", "") for kind in kinds
    ):
        assert time.monotonic() < limit, list(output.rglob("*"))
        time.sleep(0.01)
