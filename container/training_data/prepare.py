"""A data set checked and brought into the form that the trainer reads."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from checkpoints.files import replace_text
from pod.arguments import Parser
from pod.exit_codes import DONE, USAGE, Fault
from pod.main import run
from training_data import conversation, json_lines, tool_alpaca
from training_data.json_lines import Record
from training_data.lengths import Length, of_pieces, of_texts
from training_data.report import FILE, Report
from training_data.tokens import counter

NAME = "prepare_dataset"
KINDS = ("adgen", "tool-alpaca", "json-lines")
FAMILIES = ("chatglm", "chatglm2", "chatglm3", "glm4")
ADGEN = "content,summary"
"""The columns of ADGEN: prompt and answer."""

log = logging.getLogger(NAME)

Counts = Dict[str, int]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    suffix = ".jsonl" if options.kind == "tool-alpaca" else ".json"  # each trainer's reader goes by it
    train, counts = _read(options, options.train, "train_examples")
    parts = {f"train{suffix}": train}
    if options.eval:
        parts[f"dev{suffix}"], more = _read(options, options.eval, "dev_examples")
        counts.update(more)
    report = Report(counts, _settings(options), options.family, _lengths(options, train), _paired(options))
    options.output.mkdir(parents=True, exist_ok=True)
    for name, records in parts.items():
        replace_text(options.output / name, map(json_lines.written, records))
        log.info("%s: %d examples", options.output / name, len(records))
    replace_text(options.output / FILE, [report.text()])
    for line in report.lines():
        log.info("%s", line)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=NAME, description="Check a data set and bring it into the form the trainer reads.")
    parser.add_argument("--kind", required=True, choices=KINDS)
    parser.add_argument("--source", required=True, type=Path, metavar="DIR")
    parser.add_argument("--train", required=True, metavar="FILE", help="in the source")
    parser.add_argument("--eval", metavar="FILE", help="in the source (default: none)")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--columns", default=ADGEN, help=f"prompt and answer (default {ADGEN})")
    parser.add_argument("--tokenizer", type=Path, metavar="FILE", help="to measure lengths in tokens")
    parser.add_argument("--family", choices=FAMILIES, help="whose tokenizer it is")
    options = parser.parse_args(list(arguments))
    options.columns = [column.strip() for column in options.columns.split(",")]
    if len(options.columns) != 2 or not all(options.columns):
        raise Fault(USAGE, f"--columns is '{','.join(options.columns)}'; expected two names, e.g. {ADGEN}")
    if options.kind == "adgen" and options.columns != ADGEN.split(","):
        raise Fault(USAGE, f"--columns belongs to --kind json-lines; those of adgen are {ADGEN}")
    if bool(options.tokenizer) != bool(options.family):
        raise Fault(USAGE, "--tokenizer and --family belong together: give both, or neither")
    return options


def _read(options: argparse.Namespace, file: str, name: str) -> Tuple[List[Record], Counts]:
    path = options.source / file
    if options.kind != "tool-alpaca":
        records = json_lines.texts(path, options.columns)
        return records, {name: len(records)}
    left_out = 0
    if path.suffix == ".jsonl":
        records = conversation.read(path)
    else:
        records, left_out = tool_alpaca.read(path)
    ignored = sum(not conversation.is_taken(record) for record in records)
    if ignored:
        log.warning(
            "%s: the trainer takes %d of %d conversations", path, len(records) - ignored, len(records)
        )
    part = name.split("_", 1)[0]
    return records, {name: len(records), f"{part}_left_out": left_out, f"{part}_not_taken": ignored}


def _paired(options: argparse.Namespace) -> bool:
    return bool(options.kind != "tool-alpaca")


def _lengths(options: argparse.Namespace, records: List[Record]) -> List[Length]:
    """Return the lengths of what is trained on; [] without a tokenizer."""
    if options.tokenizer is None:
        return []
    count = counter(options.family, options.tokenizer)
    if _paired(options):
        return [of_texts(record, options.columns, count) for record in records]
    return [
        of_pieces(conversation.pieces(record), count) for record in records if conversation.is_taken(record)
    ]


def _settings(options: argparse.Namespace) -> Dict[str, str]:
    settings = {"kind": options.kind, "train": options.train, "eval": options.eval or ""}
    if _paired(options):
        settings["columns"] = ",".join(options.columns)
    return settings
