"""The entry of fetch_weights.py."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from fetch.delivery import Delivery
from fetch.options import parse
from fetch.watched import Limits, run_watched
from pod.main import run

NAME = "fetch_weights"
STOP_SECONDS = 1.5
"""How long work may take to end after SIGTERM, so that the process is gone within two seconds."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    limits = Limits(options.deadline, options.progress_interval, options.progress, STOP_SECONDS)
    return run_watched(Delivery(options), limits)
