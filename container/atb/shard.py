"""Weights cut for the devices that share them (process_weights.py).

The output is a folder that the model runs from: `tensor_parallel_tpN/part_model/<rank>` for more than one
device, the model's own small files, the whole weights for one device, and for quantized weights
`quant/*.npy` and `quant/tpN/*.npy`.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence

from artifacts.marker import MARKER_NAME
from artifacts.storage import storing
from atb.example import SLICED_MODELING, script
from atb.flags import add_shape, folder, parser
from atb.model_files import (
    check_model,
    check_shards,
    check_sliced,
    quantized_files,
    quantized_folder,
    writable_view,
)
from atb.precision import FLOAT, QUANTIZED, check_sparse, precision_env
from atb.scripts import Run, done, empty
from patching.copy_of import bring, check_folders
from pod.exit_codes import BAD_SETTING, DONE, Fault
from pod.main import run

NAME = "shard_weights"
WORK = ".work"
log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    check_folders(options.source, options.output)
    check_model(options.source)
    with storing(options.output):
        # What a killed run left is never taken for a result: the script itself would skip a half-made folder.
        empty(options.output)
        work = options.output / WORK
        _prepare(options, work)
        code = _process(options, work)
        if not done(code):
            return code
        _collect(options, work)
        shutil.rmtree(str(work))
    log.info("%s: shards for %d devices, %s", options.output, options.tp_size, options.precision)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    made = parser(NAME, "Cut weights for the devices that share them.")
    made.add_argument(
        "--source", type=Path, required=True, metavar="DIR", help="weights, config.json patched"
    )
    made.add_argument("--quantized", type=Path, metavar="DIR", help="the tool's .npy files, not for float")
    add_shape(made)
    options = made.parse_args(list(arguments))
    if options.precision == FLOAT and options.tp_size == 1:
        raise Fault(
            BAD_SETTING, "--tp-size is 1: float weights for one device are used as they are, not sharded"
        )
    if (options.precision == FLOAT) != (options.quantized is None):
        needs = "does not take" if options.precision == FLOAT else "needs"
        raise Fault(BAD_SETTING, f"--precision {options.precision} {needs} --quantized")
    check_sparse(options.precision, options.tp_size)
    options.source = folder("--source", options.source)
    options.output = options.output.resolve()
    return options


def _prepare(options: argparse.Namespace, work: Path) -> None:
    writable_view(options.source, work / "model")
    if options.quantized is not None:
        quantized = quantized_folder(folder("--quantized", options.quantized))
        # The script writes there without making the folder.
        (work / QUANTIZED / f"tp{options.tp_size}").mkdir(parents=True)
        for path in quantized_files(quantized):
            (work / QUANTIZED / path.name).symlink_to(path.resolve())


def _process(options: argparse.Namespace, work: Path) -> int:
    argv = [
        script(options.tree, "process_weights.py"),
        *("--model_path", str(work / "model"), "--tp_size", str(options.tp_size)),
        *("--model_file_slice", script(options.tree, SLICED_MODELING)),
    ]
    return Run(NAME, work / "run")(argv, precision_env(options.precision, os.environ, work / QUANTIZED))


def _collect(options: argparse.Namespace, work: Path) -> None:
    """Check what the script made and give it its name in the output."""
    tp_size, output = options.tp_size, options.output
    shards = f"tensor_parallel_tp{tp_size}"
    if tp_size > 1:
        check_shards(work / "model" / shards / "part_model", tp_size)
    for path in sorted(options.source.iterdir()):
        if path.is_file() and path.name != MARKER_NAME and (tp_size == 1 or path.suffix != ".bin"):
            bring(path, output / path.name)
    if tp_size > 1:
        (work / "model" / shards).replace(output / shards)
    if options.precision == FLOAT:
        return
    check_sliced(work / QUANTIZED / f"tp{tp_size}", tp_size)
    for link in quantized_files(work / QUANTIZED):
        bring(link.resolve(), link)
    (work / QUANTIZED).replace(output / QUANTIZED)
