"""Measure fetch_weights.py beside the downloaders that people use, on the same files, in one run; prints markdown."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import measure
from tools import Tool, all_tools

HERE = Path(__file__).resolve().parent
MEBIBYTE = 1024 * 1024


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=7)
    parser.add_argument("--shard-size", type=int, default=96, help="MiB (default 96)")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=float, default=8.0, help="MB a second a connection (default 8)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer (default 0.05)")
    parser.add_argument("--rounds", type=int, default=3, help="the best counts (default 3)")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary folder)")
    parser.add_argument("--python", default=sys.executable, help="the Python that runs fetch_weights.py")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        compare(options, Path(folder))


def compare(options: argparse.Namespace, folder: Path) -> None:
    """Make the files, serve them, measure every tool and print the table."""
    files = folder / "files"
    size = make_model(files, options.shards, options.shard_size * MEBIBYTE)
    with serving(files, options.rate * 1e6, options.latency) as url:
        rows = []
        for tool in all_tools(url, files, options.connections, options.python):
            if tool.missing:
                rows.append([tool.name, f"not measured: install {tool.missing}", *[""] * 7])
                continue
            say(f"measuring {tool.name}")
            rows.append(row(tool, folder / "work", files, size, url, options.rounds))
    out = sys.stdout.write
    out(
        f"{len(list(files.iterdir()))} files, {size / 1e6:.0f} MB; {options.connections} connections, "
        f"{options.rate:g} MB/s each, {options.latency * 1000:.0f} ms before each answer; best of {options.rounds}.\n\n"
    )
    out("| tool | MB/s | peak memory, MiB | disk at peak | disk at end | warm start, s ")
    out("| fetched again after kill -9 at half, MB | checks content | right |\n|---|---|---|---|---|---|---|---|---|\n")
    for cells in rows:
        out("| " + " | ".join(cells) + " |\n")


def row(tool: Tool, work: Path, files: Path, size: int, url: str, rounds: int) -> list[str]:
    """Measure `tool`: cold starts, a warm start, and a kill at half with what it costs."""
    cold = []
    for _ in range(rounds):
        fresh(work, tool)
        cold.append(measure.run(tool.argv(work), work, tool.environment))
        if cold[-1].code != 0:
            return [tool.name, f"failed ({cold[-1].code}): {cold[-1].output.strip()[-200:]}", *[""] * 7]
    best = min(cold, key=lambda measured: measured.seconds)
    right = same(tool.result(work), files)
    at_end = measure.on_disk(work)
    warm = measure.run(tool.argv(work), work, tool.environment, pause=0.005)
    fresh(work, tool)
    before = sent(url)
    measure.run(tool.argv(work), work, tool.environment, kill_when=lambda: sent(url) - before > size / 2)
    again = measure.run(tool.argv(work), work, tool.environment)
    refetched = max(0, sent(url) - before - size)
    resumed = again.code == 0 and same(tool.result(work), files)
    return [
        tool.name,
        f"{size / best.seconds / 1e6:.1f}",
        f"{max(measured.memory for measured in cold) / MEBIBYTE:.0f}",
        f"{max(measured.disk for measured in cold) / size:.2f} x",
        f"{at_end / size:.2f} x",
        f"{warm.seconds:.2f}",
        f"{refetched / 1e6:.1f}" if resumed else f"not resumed ({again.code})",
        tool.verifies,
        "yes" if right else "no",
    ]


def fresh(work: Path, tool: Tool) -> None:
    """Empty `work` and let the tool prepare it."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    tool.prepare(work)


def same(found: Path, files: Path) -> bool:
    """Whether `found` has every file with the right content."""
    done = subprocess.run(["diff", "-rq", str(files), str(found)], capture_output=True, text=True)
    return not [line for line in done.stdout.splitlines() if not line.startswith(f"Only in {found}")]


def make_model(files: Path, shards: int, shard_size: int) -> int:
    """Make files with the shape of a model's repository and return their bytes in all."""
    files.mkdir()
    numbers = random.Random(1)
    sizes = {f"pytorch_model-{n + 1:05d}-of-{shards:05d}.bin": shard_size + n for n in range(shards)}
    sizes["tokenizer.model"] = 1_018_370
    sizes.update({f"modeling_{n}.py": 20_000 + n for n in range(12)})
    for name, size in sizes.items():
        with (files / name).open("wb") as file:
            while size:
                count = min(size, MEBIBYTE)
                file.write(numbers.randbytes(count))
                size -= count
    return sum(path.stat().st_size for path in files.iterdir())


@contextmanager
def serving(files: Path, rate: float, latency: float) -> Iterator[str]:
    """Run the server and give its URL."""
    argv = [sys.executable, str(HERE / "server.py"), str(files), str(rate), str(latency)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def sent(url: str) -> int:
    """Return the bytes that the server has sent."""
    with urllib.request.urlopen(f"{url}/-/sent") as answer:
        return int(json.load(answer)["sent"])


def say(text: str) -> None:
    """Tell whoever watches what is going on."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
