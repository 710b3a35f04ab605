"""ADGEN as MindRecord files, by the trainer's own script from its source tree."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from checkpoints.vendor import package
from pod.amounts import size
from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, Fault
from pod.main import run

NAME = "make_mindrecord"
WORK = ".work"
"""The script's working directory in the output: MindFormers leaves a log folder wherever it runs."""

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


@dataclass(frozen=True)
class Part:
    """One run of the script: its mode, what it reads and writes, and the lengths in tokens."""

    mode: str
    source: Path
    target: Path
    lengths: Tuple[int, int]


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    parts = [
        Part(
            "train",
            options.source / options.train,
            options.output / "train.mindrecord",
            options.train_lengths,
        ),
        Part("eval", options.source / options.eval, options.output / "eval.mindrecord", options.eval_lengths),
    ]
    _check_inputs([options.script, options.vocab, *(part.source for part in parts)])
    work = options.output / WORK
    _remove(work)
    work.mkdir(parents=True)
    for part in parts:
        for old in options.output.glob(
            f"{part.target.name}*"
        ):  # the file and its index, of an attempt before
            old.unlink()
        _make(options, part, work)
        log.info("%s: %d records, %s", part.target, _records(part.target), size(part.target.stat().st_size))
    _remove(work)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=NAME, description="Make MindRecord files of a data set by MindFormers' own script.")
    parser.add_argument(
        "--script", required=True, type=Path, metavar="FILE", help="adgen_dataset.py in its tree"
    )
    parser.add_argument("--source", required=True, type=Path, metavar="DIR")
    parser.add_argument("--vocab", required=True, type=Path, metavar="FILE", help="ice_text.model")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--train", required=True, metavar="FILE", help="in the source")
    parser.add_argument("--eval", required=True, metavar="FILE", help="in the source")
    parser.add_argument(
        "--train-lengths", type=_lengths, default=(64, 64), help="source,target (default 64,64)"
    )
    parser.add_argument("--eval-lengths", type=_lengths, default=(256, 256), help="(default 256,256)")
    return parser.parse_args(list(arguments))


def _lengths(text: str) -> Tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isdigit() and int(part) > 2 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not two whole numbers above 2, as in 64,64")
    return int(parts[0]), int(parts[1])


def _check_inputs(paths: List[Path]) -> None:
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise Fault(BAD_ARTIFACT, f"these inputs are not there: {', '.join(missing)}")


def _make(options: argparse.Namespace, part: Part, work: Path) -> None:
    """Run the script of mindformers@c8a5808; any mode but `train` means evaluation there."""
    source, target = part.lengths
    argv = [
        sys.executable, str(options.script.resolve()),
        "--input_file", str(part.source.resolve()), "--vocab_file", str(options.vocab.resolve()),
        "--output_file", str(part.target.resolve()), "--mode", part.mode,
        "--max_source_length", str(source), "--max_target_length", str(target),
    ]  # fmt: skip
    log.info("running %s", " ".join(argv))
    code = subprocess.call(argv, cwd=str(work), env=_environment(options.script))
    if code != DONE:
        raise Fault(
            BAD_ARTIFACT, f"{options.script.name} ended with exit code {code} for {part.source}; see above"
        )


def _environment(script: Path) -> Dict[str, str]:
    """Return the script's environment: its own tree before what is installed, UTF-8 in any locale."""
    tree = next(
        (str(path) for path in script.resolve().parents if (path / "mindformers/__init__.py").is_file()), ""
    )
    paths = [path for path in (tree, os.environ.get("PYTHONPATH", "")) if path]
    return {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": os.pathsep.join(paths)}


def _records(path: Path) -> int:
    """Return how many records MindSpore finds in `path`."""
    mindrecord = package("mindspore.mindrecord")
    try:
        reader = mindrecord.FileReader(str(path))
        count = reader.len()
        reader.close()
    except (RuntimeError, ValueError, OSError) as error:
        raise Fault(BAD_ARTIFACT, f"{path} cannot be opened by MindSpore ({error})") from error
    if not count:
        raise Fault(BAD_ARTIFACT, f"{path} holds no record")
    return int(count)


def _remove(work: Path) -> None:
    if work.exists():
        shutil.rmtree(str(work))
