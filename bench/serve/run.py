"""Compare the server with FastAPI + uvicorn in front of the same echo backend.

Run: `python3 bench/serve/run.py [--requests 2000] [--rate 50] [--tokens 16] [--output results.json]`. The
table says requests a second and by how much the first token comes later than from the backend alone. Both
servers run on the Python that runs this; the clients are one process beside them, so on few cores they take
a part of the machine.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "container"), str(ROOT / "test" / "container")]

from serve.backend import Settings  # noqa: E402
from serve.backends.echo import EchoBackend  # noqa: E402
from serve.prompts import FAMILIES  # noqa: E402
from serve.sampling import Sampling  # noqa: E402
from support.serve_load import Load, percentile  # noqa: E402

MODEL = "chatglm3-6b"


class Row(NamedTuple):
    """One line of the table; times in milliseconds."""

    server: str
    clients: int
    requests_per_second: float
    first_token_p50: float
    overhead_p50: float
    overhead_p99: float
    memory_mib: float
    errors: int


def tools() -> Path:
    """Return the Python of a virtual environment with the pinned FastAPI, made on first use."""
    command = ["sh", str(ROOT / "test" / "venv.sh"), str(Path(__file__).with_name("requirements.txt"))]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Path(printed.stdout.strip()) / "python"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    limit = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)


@contextmanager
def started(argv: list[str], port: int) -> Iterator[int]:
    """Run a server; give its process id."""
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        time.sleep(0.5)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def alone(clients: int, rate: float, prompt: str, rounds: int = 6) -> list[float]:
    """Return seconds to the first token of the backend by itself, on as many threads as there are clients."""
    backend = EchoBackend(Settings(None, "chatglm3", None, {"tokens-per-second": str(rate)}))
    text = FAMILIES["chatglm3"].complete(prompt)
    firsts: list[float] = []

    def ask() -> None:
        for _ in range(rounds):
            began = time.perf_counter()
            pieces = backend.generate(text, Sampling(8192), lambda: False)
            next(pieces)
            firsts.append(time.perf_counter() - began)
            for _ in pieces:
                pass

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return firsts


def measure(name: str, argv: list[str], port: int, clients: int, options: argparse.Namespace) -> Row:
    """Return the row of one server at one number of clients."""
    prompt = " ".join(["word"] * options.tokens)
    base = percentile(alone(clients, options.rate, prompt), 50)
    requests = max(clients * 5, options.requests * clients // max(options.clients))
    with started(argv, port) as pid:
        spread = options.tokens / options.rate  # one answer, so that the clients do not ask all at once
        Load(port, MODEL, prompt, clients, clients * 2, spread).run()
        load = Load(port, MODEL, prompt, clients, requests, spread).run()
        status = Path(f"/proc/{pid}/status").read_text()
    good = [seen for seen in load.seen if seen.status == 200 and seen.texts == prompt]
    firsts = [seen.first for seen in good]
    memory = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    return Row(
        name,
        clients,
        len(good) / load.seconds,
        1000 * percentile(firsts, 50),
        1000 * (percentile(firsts, 50) - base),
        1000 * (percentile(firsts, 99) - base),
        memory,
        len(load.seen) - len(good),
    )


def rows(options: argparse.Namespace) -> Iterator[Row]:
    """Return the best round, by overhead at the 99th percentile, of each server at each number of clients."""
    theirs = tools()
    for clients in options.clients:
        rounds = [pair(theirs, clients, options) for _ in range(options.rounds)]
        for each in zip(*rounds):
            yield min(each, key=lambda row: row.overhead_p99)


def pair(theirs: Path, clients: int, options: argparse.Namespace) -> list[Row]:
    """Measure both servers one after the other, so that a busy machine hits both."""
    first, second = free_port(), free_port()
    ours = [
        sys.executable,
        str(ROOT / "container" / "serve_model.py"),
        "--backend",
        "echo",
        "--model-name",
        MODEL,
        "--host",
        "127.0.0.1",
        "--port",
        str(first),
        "--backend-option",
        f"tokens-per-second={options.rate}",
        "--backend-option",
        f"concurrency={clients}",
    ]
    other = [
        str(Path(__file__).with_name("fastapi_echo.py")),
        str(second),
        str(options.rate),
        str(clients + 8),
    ]
    return [
        measure("cdk8s-chatglm", ours, first, clients, options),
        measure("FastAPI + uvicorn", [str(theirs), *other], second, clients, options),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--requests", type=int, default=2000, help="for the most clients; fewer clients ask fewer"
    )
    parser.add_argument("--rate", type=float, default=50.0, help="tokens a second of one answer")
    parser.add_argument("--tokens", type=int, default=16, help="tokens of one answer")
    parser.add_argument(
        "--rounds", type=int, default=3, help="the best counts: the machine may be busy with others"
    )
    parser.add_argument("--output", type=Path, help="also write the rows here as JSON")
    parser.add_argument(
        "--clients", type=int, nargs="+", default=[1, 16, 64], help="clients at once, one after the other"
    )
    options = parser.parse_args()
    columns = (
        "server             clients  requests/s  first token p50  overhead p50  overhead p99  memory  errors"
    )
    print(columns)
    found = []
    for row in rows(options):
        found.append(row._asdict())
        print(
            f"{row.server:18} {row.clients:7}  {row.requests_per_second:10.1f}"
            f"  {row.first_token_p50:12.1f} ms"
            f"  {row.overhead_p50:9.1f} ms  {row.overhead_p99:9.1f} ms"
            f"  {row.memory_mib:3.0f} MiB  {row.errors:6}",
            flush=True,
        )
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
