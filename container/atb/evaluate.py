"""Accuracy on C-Eval, or one question, by main.py of the example."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Dict, Optional, Sequence

from artifacts.durable import replace_file
from atb.dataset import dataset_folder
from atb.flags import add_run, add_shape, parser
from atb.model_files import read_json
from atb.model_run import ModelRun
from atb.scripts import done, scratch
from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, DONE, Fault
from pod.main import run

NAME = "atb_evaluate"
METRICS = "ceval.json"
_PROMPT, _ANSWER = 2048, 512  # what main.py cuts prompts to, and generates
_RESULT = "precison_result.json"
_TOTAL = "acc_total"

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    with scratch(options.work_dir) as work:
        model = ModelRun(NAME, options, work)
        if options.mode == "single":
            return model("precision_single", [], _PROMPT)
        dataset = dataset_folder(options.dataset)
        code = model("precision_dataset", ["--ceval_dataset", str(dataset)], _PROMPT + _ANSWER)
        if not done(code):
            return code
        metrics = metrics_of(model.folder / _RESULT, dataset)
    options.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metrics, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    replace_file(options.output / METRICS, text.encode("utf-8"))
    log.info("C-Eval val: accuracy %.4f over %d subjects", metrics["accuracy"], len(metrics) - 1)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    made = parser(NAME, "Measure the accuracy on C-Eval.")
    add_shape(made)
    add_run(made)
    made.add_argument("--mode", choices=("dataset", "single"), default="dataset")
    made.add_argument("--dataset", type=Path, metavar="DIR", help="C-Eval, for --mode dataset")
    options = made.parse_args(list(arguments))
    if (options.mode == "dataset") != (options.dataset is not None):
        needs = "needs" if options.mode == "dataset" else "does not take"
        raise Fault(BAD_SETTING, f"--mode {options.mode} {needs} --dataset")
    return options


def metrics_of(result: Path, dataset: Path) -> Dict[str, float]:
    """Return `accuracy` and `accuracy/<category>/<subject>` from what main.py wrote."""
    if not result.is_file():
        raise Fault(
            BAD_ARTIFACT, f"main.py ended well but wrote no {result.name}; is this ModelLink at 839b2483?"
        )
    found = read_json(result)
    metrics = {"accuracy": float(found.pop(_TOTAL))}
    for path, accuracy in found.items():
        subject = Path(path).relative_to(dataset / "val").with_suffix("").as_posix()
        metrics[f"accuracy/{subject}"] = float(accuracy)
    return metrics
