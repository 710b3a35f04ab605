"""The command line of a task."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Sequence

from pod.arguments import Parser, whole
from pod.exit_codes import USAGE, Fault

NAME = "run_task"
MOST_PODS = 100_000


@dataclass(frozen=True)
class Options:
    """The command line, checked. Of `pods` pods this one is `pod_index`; the lease's times are seconds."""

    output: Path
    name: str
    lineage: str
    format: str
    source: Dict[str, Any]
    require: List[str]
    pods: int
    pod_index: int
    lease_heartbeat: float
    lease_takeover: float
    argv: List[str]


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; raises `Fault` (USAGE)."""
    parser = Parser(prog=NAME, description="Run a command that fills an artifact's directory.")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--name", required=True)
    parser.add_argument("--lineage", required=True)
    parser.add_argument("--format", required=True)
    parser.add_argument("--source", type=_source, default={}, metavar="JSON", help="recorded in the marker")
    parser.add_argument("--require", action="append", default=[], metavar="GLOB", help="must match a file")
    parser.add_argument(
        "--pods", type=whole(1, MOST_PODS), default=1, help="that run it together (default 1)"
    )
    parser.add_argument(
        "--pod-index", type=whole(0, MOST_PODS), default=0, help="this pod, from 0 (default 0)"
    )
    parser.add_argument("--lease-heartbeat", type=float, default=10.0, help="seconds (default 10)")
    parser.add_argument("--lease-takeover", type=float, default=60.0, help="seconds (default 60)")
    parser.add_argument("argv", nargs="+", metavar="-- ARGV", help="the command, after --")
    options = Options(**vars(parser.parse_args(list(arguments))))
    if options.pod_index >= options.pods:
        raise Fault(
            USAGE, f"--pod-index is {options.pod_index}, but must be 0 to {options.pods - 1} (--pods)"
        )
    return options


def _source(text: str) -> Dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON ({error}): {text}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"not a JSON object: {text}")
    return value
