"""The entry of upload_artifact.py."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from fetch.watched import Limits, run_watched
from pod.main import run
from upload.delivery import Delivery
from upload.options import parse

NAME = "upload_artifact"
STOP_SECONDS = 1.0
"""How long work may take to end after SIGTERM, so that the process is gone within two seconds."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    limits = Limits(options.deadline, options.progress_interval, "plain", STOP_SECONDS)
    return run_watched(Delivery(options), limits)
