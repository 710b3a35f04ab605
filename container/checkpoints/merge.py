"""The shards of a training run merged into one MindSpore checkpoint of the model alone."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from checkpoints import mindspore_file
from checkpoints.files import copy_file
from checkpoints.optimizer_state import model_names
from checkpoints.run_folder import Ranks, newest, strategies
from checkpoints.shards import merged
from checkpoints.vendor import package
from pod.amounts import size
from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, USAGE, Fault
from pod.main import run

NAME = "merge_checkpoint"
WORK = ".merging"
"""The folder in the output for copies while the merge runs."""

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    what, files = newest(options.source)
    layouts = strategies(options.strategy or options.source / "strategy")
    log.info("%s: %s of %d ranks, %d strategy files", options.source, what, len(files), len(layouts))
    work = options.output / WORK
    _remove(work)
    work.mkdir(parents=True)
    parameters = merged(files, layouts, work) if layouts else _replica(files)
    target = options.output / options.file
    mindspore_file.save_loaded(target, parameters)
    if options.tokenizer is not None:
        copy_file(options.tokenizer, options.output / options.tokenizer.name)
    _remove(work)
    log.info("%s: %d parameters, %s", target, len(parameters), size(target.stat().st_size))
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=NAME, description="Merge the checkpoints of a training run's ranks into one.")
    parser.add_argument("--source", required=True, type=Path, metavar="DIR", help="the run's output folder")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--file", required=True, metavar="NAME.ckpt")
    parser.add_argument(
        "--strategy", type=Path, metavar="PATH", help="folder or file (default SOURCE/strategy)"
    )
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="copied beside the checkpoint")
    options = parser.parse_args(list(arguments))
    if not options.file.endswith(".ckpt") or "/" in options.file:
        raise Fault(
            USAGE, f"--file is '{options.file}'; MindSpore needs a plain file name that ends in .ckpt"
        )
    if options.strategy is not None and not strategies(options.strategy):
        raise Fault(
            BAD_ARTIFACT, f"--strategy {options.strategy} is no strategy file and no folder of such files"
        )
    return options


def _replica(files: Ranks) -> Dict[str, Any]:
    """Return the parameters of rank 0.

    Without strategy files every rank holds the whole model; comparing it with the last rank shows whether it
    does.
    """
    first = _model(files[0])
    last = max(files)
    if last == 0:
        return first
    other = _model(files[last])
    numpy = package("numpy")
    for name, parameter in first.items():
        same = name in other and numpy.array_equal(
            mindspore_file.values(parameter), mindspore_file.values(other[name]), equal_nan=True
        )
        if not same:
            raise Fault(
                BAD_ARTIFACT,
                f"rank 0 and rank {last} differ in {name}: these are shards, and no strategy file says how "
                f"to join them; name the run's strategy folder with --strategy",
            )
    return first


def _model(path: Path) -> Dict[str, Any]:
    loaded = mindspore_file.load(path)
    return {name: loaded[name] for name in model_names(loaded)}


def _remove(work: Path) -> None:
    if work.exists():
        shutil.rmtree(str(work))
