"""Speed for pairs of prompt and answer lengths, by main.py of the example."""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from artifacts.durable import replace_file
from atb.flags import add_run, add_shape, parser
from atb.model_run import ModelRun
from atb.scripts import done, scratch
from pod.exit_codes import BAD_ARTIFACT, DONE, Fault
from pod.main import run
from results.result import Result, table

NAME = "atb_benchmark"
CSV = "performance.csv"
COLUMNS = {
    "Batch": "batch",
    "InputSeqLen(Encoding)": "input_tokens",
    "OutputSeqLen(Decoding)": "output_tokens",
    "TimeOfFirstToken(ms)": "time_to_first_token_ms",
    "TimePerToken(ms)": "time_per_token_ms",
    "TimeTotal(s)": "total_seconds",
    "Throughput(tokens/s)": "tokens_per_second",
    "ThroughputE2E(tokens/s)": "tokens_per_second_with_prompt",
}
_WARM_UP = 4  # tokens that main.py generates after it

log = logging.getLogger(NAME)
Row = Dict[str, float]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    with scratch(options.work_dir) as work:
        model = ModelRun(NAME, options, work)
        flags = [
            *("--seqlen_in_pair", ",".join(str(given) for given, _ in options.pairs)),
            *("--seqlen_out_pair", ",".join(str(made) for _, made in options.pairs)),
            *("--performance_output_file", CSV),
            *(["--print_response"] if options.print_response else []),
        ]
        code = model("performance", flags, _longest(options.pairs))
        if not done(code):
            return code
        rows, text = rows_of(model.folder / CSV, len(options.pairs))
    options.output.mkdir(parents=True, exist_ok=True)
    replace_file(options.output / CSV, text.encode("utf-8"))
    _result(options, rows).write(options.output)
    for line in table(list(COLUMNS.values()), rows):
        log.info("%s", line)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    made = parser(NAME, "Measure the speed.")
    add_shape(made)
    add_run(made)
    made.add_argument("--model-name", required=True, help="name in the result")
    made.add_argument(
        "--pairs",
        type=_pairs,
        required=True,
        metavar="IN:OUT[,IN:OUT]...",
        help="tokens of prompt and answer, as in 256:256,8192:1024",
    )
    made.add_argument("--print-response", action="store_true", help="print the answers")
    return made.parse_args(list(arguments))


def _pairs(text: str) -> List[Tuple[int, int]]:
    pairs = []
    for part in text.split(","):
        given, separator, made = part.partition(":")
        # One token of answer has no time per token, which main.py divides by.
        if not (separator and given.isdigit() and made.isdigit() and int(given) > 0 and int(made) > 1):
            raise argparse.ArgumentTypeError(f"'{part}' must be IN:OUT, with IN from 1 and OUT from 2 on")
        pairs.append((int(given), int(made)))
    return pairs


def _longest(pairs: Sequence[Tuple[int, int]]) -> int:
    """Return the tokens that there must be room for: main.py warms up with the longest prompt, too."""
    return max(given + max(made, _WARM_UP) for given, made in pairs)


def rows_of(path: Path, expected: int) -> Tuple[List[Row], str]:
    """Return the rows of main.py's table, by our names, and its text; `Fault` unless they are `expected`."""
    if not path.is_file():
        raise Fault(
            BAD_ARTIFACT, f"main.py ended well but wrote no {path.name}; is this ModelLink at 839b2483?"
        )
    text = path.read_text(encoding="utf-8")
    header, *lines = [[cell.strip() for cell in line] for line in csv.reader(text.splitlines()) if line]
    rows = [
        {COLUMNS[name]: _number(cell) for name, cell in zip(header, line) if name in COLUMNS}
        for line in lines
    ]
    if len(rows) != expected or any(len(row) != len(COLUMNS) for row in rows):
        raise Fault(
            BAD_ARTIFACT, f"{path.name} has {len(rows)} rows, not the {expected} that were asked for: {text}"
        )
    return rows, text


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise Fault(BAD_ARTIFACT, f"main.py wrote '{cell}' into {CSV}, which is not a number") from None


def _result(options: argparse.Namespace, rows: Sequence[Row]) -> Result:
    metrics = {
        "tokens_per_second": max(row["tokens_per_second"] for row in rows),
        "time_to_first_token_ms": min(row["time_to_first_token_ms"] for row in rows),
    }
    settings = {"precision": options.precision, "tp_size": options.tp_size, "batch": options.batch}
    return Result("benchmark", options.model_name, metrics, settings, rows)
