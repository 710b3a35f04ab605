"""Measure how soon a job of many pods has its ranks running, beside what one would do by hand.

Run: `python3 bench/launch/run.py [--pods 12] [--devices 8] [--runs 5] [--limit 5] [--output FILE]`.
Every pod is a process on this machine, with a stub `hccn_tool`; a rank is a shell. The rows, in seconds from
the first pod's start to the last rank's:

- `bare`: the ranks alone, started in a loop: what the machine itself needs;
- `by hand`: a script in each pod writes its rank table to a shared folder, pod 0 merges them;
  they look each second;
- `launcher`: `container/launch.py`, which meets at pod 0, checks the merged table;
- `again`: from the restart of one killed pod until all ranks of the next generation run.

Ends with 1 if the slowest `launcher` or `again` takes longer than `--limit`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "container"))

from support.ranks_job import Job  # noqa: E402

RANK = """\
printf '%s %s %s %s\\n' "$RANK_ID" "$RANK_SIZE" "$DEVICE_ID" "$$" >>"$0/rank_$RANK_ID"
read line <"$0/gate"
"""
CONTAINER = ROOT / "container"
BIN = ROOT / "test" / "container" / "support" / "bin"
BY_HAND = Path(__file__).with_name("by_hand.sh")


def main() -> int:
    """Run every row and print the table."""
    options = _options()
    rows: dict[str, list[float]] = {"bare": [], "by hand": [], "launcher": [], "again": []}
    for _ in range(options.runs):
        rows["bare"].append(_in_folder(lambda folder: bare(folder, options.pods * options.devices)))
        rows["by hand"].append(_in_folder(lambda folder: by_hand(folder, options.pods, options.devices)))
        for row, seconds in zip(
            ("launcher", "again"), _launch(options.python, options.pods, options.devices)
        ):
            rows[row].append(seconds)
    print(f"{options.pods} pods x {options.devices} ranks, {options.runs} runs, {os.cpu_count()} cores")
    print(f"{'':10}{'median s':>10}{'slowest s':>11}")
    for row, seconds in rows.items():
        print(f"{row:10}{sorted(seconds)[len(seconds) // 2]:10.2f}{max(seconds):11.2f}")
    if options.output:
        options.output.write_text(json.dumps(rows, indent=2) + "\n")
    slowest = max(rows["launcher"] + rows["again"])
    if slowest > options.limit:
        print(f"too slow: {slowest:.2f} s, but the limit is {options.limit:g} s", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pods", type=int, default=12)
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=5.0, help="seconds until the last rank's start")
    parser.add_argument("--python", default=sys.executable, help="the Python of the pods")
    parser.add_argument("--output", type=Path, help="write all measurements as JSON")
    return parser.parse_args()


def bare(folder: Path, ranks: int) -> float:
    """Start `ranks` shells that note themselves."""
    begin = time.time()
    started = [
        subprocess.Popen(
            ["sh", "-c", 'echo >"$0"; read answer', str(folder / f"rank_{rank}")], stdin=subprocess.PIPE
        )
        for rank in range(ranks)
    ]
    seconds = last_start(folder, ranks) - begin
    for process in started:
        process.communicate()
    return seconds


def by_hand(folder: Path, pods: int, devices: int) -> float:
    """Start the script of every pod."""
    begin = time.time()
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    started = [
        subprocess.Popen(
            ["sh", str(BY_HAND), str(folder), str(pods), str(devices), str(index)],
            env={**environment, "STUB_HCCN_NETWORK": f"192.168.{index}"},
        )
        for index in shuffled(pods)
    ]
    seconds = last_start(folder, pods * devices) - begin
    for process in started:
        process.wait()
    return seconds


def _launch(python: str, pods: int, devices: int) -> list[float]:
    """Measure the launcher from the first start, and from the restart of a killed pod."""
    with tempfile.TemporaryDirectory() as name:
        job = Job(python, CONTAINER, Path(name), pods, devices, RANK)
        try:
            begin = time.time()
            for index in shuffled(pods):
                job.start(index)
            job.until_up(1)
            first = last_start(job.notes, pods * devices) - begin
            job.kill(pods // 2)
            begin = time.time()
            job.start(pods // 2)
            job.until_up(2)
            return [first, last_start(job.notes, pods * devices) - begin]
        finally:
            job.stop()


def shuffled(pods: int) -> list[int]:
    """Return the pods in a random order, as a scheduler starts them."""
    order = list(range(pods))
    random.shuffle(order)
    return order


def last_start(folder: Path, ranks: int) -> float:
    """Return when the last of `ranks` noted its start, waiting for it."""
    while len(list(folder.glob("rank_*"))) < ranks:
        time.sleep(0.02)
    return max(path.stat().st_mtime for path in folder.glob("rank_*"))


def _in_folder(measure: Callable[[Path], float]) -> float:
    with tempfile.TemporaryDirectory() as name:
        return measure(Path(name))


if __name__ == "__main__":
    sys.exit(main())
