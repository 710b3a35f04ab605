"""Quantized or sparse weights by ModelSlim (quant_script/export_quant_weight.py), on the processor alone."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence

from artifacts.storage import storing
from atb.dataset import dataset_folder
from atb.example import script
from atb.flags import folder, parser
from atb.model_files import QUANTIZED_FILES, check_model, check_quantized
from atb.precision import SPARSE, W8A8, precision_env
from atb.scripts import Run, done, empty
from patching.copy_of import check_folders
from pod.exit_codes import BAD_ARTIFACT, DONE, Fault
from pod.main import run

NAME = "quantize_weights"
CALIBRATION = {
    W8A8: "val/Social_Science/teacher_qualification.jsonl",
    SPARSE: "val/Other/civil_servant.jsonl",
}
"""Files of C-Eval that the guide calibrates with."""

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    check_folders(options.source, options.output)
    check_model(options.source)
    calibration = _calibration(options)
    with storing(options.output):
        empty(options.output)
        work = options.output / ".work"
        argv = [
            script(options.tree, "quant_script/export_quant_weight.py"),
            *("--float_weight", str(options.source), "--data_path", str(calibration)),
            *("--quant_weight", str(work / "quant")),
            *(["--sparse"] if options.precision == SPARSE else []),
        ]
        (work / "quant").mkdir(parents=True)
        code = Run(NAME, work / "run")(argv, precision_env("float", os.environ, None))
        if not done(code):
            return code
        check_quantized(work / "quant")
        for name in QUANTIZED_FILES:
            (work / "quant" / name).replace(options.output / name)
        shutil.rmtree(str(work))
    log.info("%s: %s weights, calibrated with %s", options.output, options.precision, calibration)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    made = parser(NAME, "Quantize weights.")
    made.add_argument(
        "--source", type=Path, required=True, metavar="DIR", help="weights, config.json patched"
    )
    made.add_argument("--dataset", type=Path, required=True, metavar="DIR", help="C-Eval")
    made.add_argument("--calibration", metavar="FILE", help="file of the dataset (default: the guide's)")
    made.add_argument("--precision", choices=sorted(CALIBRATION), required=True)
    options = made.parse_args(list(arguments))
    options.source = folder("--source", options.source)
    options.output = options.output.resolve()
    return options


def _calibration(options: argparse.Namespace) -> Path:
    name = options.calibration or CALIBRATION[options.precision]
    path = dataset_folder(options.dataset) / name
    if not path.is_file():
        raise Fault(BAD_ARTIFACT, f"{path} is missing; name a file of the dataset by --calibration")
    return path
