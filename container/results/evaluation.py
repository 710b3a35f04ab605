"""Runs an evaluation and keeps what it measured; a model that is not good enough fails the task."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import DONE
from pod.main import run
from pod.termination import report_if_silent
from results.listened_child import run_listening
from results.metric_sources import metric_source
from results.minimums import minimum, require_known, require_reached
from results.result import FILE, Result, metric_lines

NAME = "evaluate"

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line; the exit code is the program's own if it fails, LOW_SCORE below a minimum."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    _remove(options.output / FILE)  # of a run that was cut off: no result may be taken for this one's
    source = metric_source(options.metrics, options.output)
    if source.names is not None:
        require_known(options.minimum, source.names)
    log.info("running %s", " ".join(options.argv))
    code = run_listening(options.argv, source.line)
    if code != DONE:
        cause = f"{options.argv[0]} ended with exit code {code}; nothing was measured"
        log.error("%s", cause)
        report_if_silent(cause)
        return code
    metrics = source.metrics()
    settings = {"metrics": options.metrics, "minimums": dict(options.minimum)}
    Result("evaluation", options.model, metrics, settings).write(options.output)
    for line in [f"model '{options.model}':", *metric_lines(metrics)]:
        log.info("%s", line)
    require_known(options.minimum, list(metrics))
    require_reached(metrics, options.minimum)
    return DONE


def _remove(path: Path) -> None:
    if path.exists():
        path.unlink()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{NAME}.py", description="Run an evaluation and keep what it measures.")
    parser.add_argument(
        "--metrics", required=True, metavar="mindformers|ceval|json:FILE", help="where the metrics are read"
    )
    parser.add_argument("--model", required=True, help="name in the result")
    parser.add_argument("--output", required=True, type=Path, help="folder for result.json")
    parser.add_argument(
        "--minimum",
        action="append",
        default=[],
        type=minimum,
        metavar="METRIC=VALUE",
        help="lowest good score",
    )
    parser.add_argument("argv", nargs="+", help="the program, after --")
    return parser.parse_args(list(arguments))
