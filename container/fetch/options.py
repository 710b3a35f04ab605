"""The command line of fetch_weights.py."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

from fetch.retry import Retries
from pod.arguments import Parser, whole

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Options:
    """What to fetch, to where, and how; sizes in bytes, times in seconds."""

    target: Path
    name: str
    lineage: str
    format: str
    sources: Tuple[str, ...]
    include: Tuple[str, ...]
    exclude: Tuple[str, ...]
    require: Tuple[str, ...]
    connections: int
    chunk_size: int
    rate_limit: Optional[int]
    stall_timeout: float
    deadline: Optional[float]
    progress_interval: float
    progress: str
    verify: bool
    ca_bundle: Optional[Path]
    retries: Retries
    lease_heartbeat: float
    lease_takeover: float


def parse(arguments: Sequence[str]) -> Options:
    """Return the options that `arguments` give; `Fault` USAGE names a mistake."""
    given = _parser().parse_args(list(arguments))
    return Options(
        target=given.target.absolute(),
        name=given.name,
        lineage=given.lineage,
        format=given.format,
        sources=tuple(given.source),
        include=tuple(given.include),
        exclude=tuple(given.exclude),
        require=tuple(given.require),
        connections=given.connections,
        chunk_size=given.chunk_size,
        rate_limit=given.rate_limit,
        stall_timeout=given.stall_timeout,
        deadline=given.deadline,
        progress_interval=given.progress_interval,
        progress=given.progress,
        verify=given.verify,
        ca_bundle=given.ca_bundle,
        retries=Retries(given.tries, given.retry_delay),
        lease_heartbeat=given.lease_heartbeat,
        lease_takeover=given.lease_takeover,
    )


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="fetch_weights", description="Fetch the files of one artifact onto a volume.")
    add = parser.add_argument
    add("--target", required=True, type=Path, metavar="DIR", help="the artifact's directory")
    add("--name", required=True)
    add("--lineage", required=True)
    add("--format", required=True)
    add("--source", action="append", required=True, metavar="JSON", help="tried in order")
    add("--include", action="append", default=[], metavar="GLOB", help="default: every file")
    add("--exclude", action="append", default=[], metavar="GLOB")
    add("--require", action="append", default=[], metavar="GLOB", help="must match a chosen file")
    add("--connections", type=whole(1, 64), default=8, help="default 8")
    add(
        "--chunk-size",
        type=whole(1024, 1024 * MEBIBYTE),
        default=MEBIBYTE,
        metavar="BYTES",
        help="1 MiB",
    )
    add("--rate-limit", type=whole(1024, 1 << 50), metavar="BYTES_PER_SECOND", help="default: none")
    add("--stall-timeout", type=_seconds, default=60.0, metavar="SECONDS", help="default 60")
    add("--deadline", type=_seconds, metavar="SECONDS", help="for everything; default: none")
    add("--progress-interval", type=_seconds, default=5.0, metavar="SECONDS", help="default 5")
    add("--progress", choices=("plain", "json"), default="plain")
    add("--verify", action="store_true", help="hash every file of a target that is complete")
    add("--ca-bundle", type=Path, metavar="FILE", help="PEM certificates to trust besides the system's")
    add("--tries", type=whole(1, 1000), default=8, help="without progress, of each request; default 8")
    add("--retry-delay", type=_seconds, default=1.0, metavar="SECONDS", help="doubled each try; default 1")
    add("--lease-heartbeat", type=_seconds, default=10.0, metavar="SECONDS", help="default 10")
    add("--lease-takeover", type=_seconds, default=60.0, metavar="SECONDS", help="default 60")
    return parser


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return number
