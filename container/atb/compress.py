"""Sparse weights compressed for the device (generate_compress_weight.py), which knows two devices only."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence

from artifacts.storage import storing
from atb.example import script
from atb.flags import folder, parser
from atb.model_files import check_compressed, check_sliced
from atb.precision import QUANTIZED, precision_env
from atb.scripts import Run, done, empty
from patching.copy_of import check_folders
from pod.exit_codes import DONE, IMAGE_MISMATCH, Fault
from pod.main import run

NAME = "compress_weights"
GRAPH = "tools/modelslim/pytorch/weight_compression/compress_graph"
"""Below the toolkit; its build.sh makes the compressor and takes the toolkit's `latest` as argument."""

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    check_folders(options.source, options.output)
    # process_weights.py puts the shards into tp2; the guide's own path, the folder above, has none.
    sliced = options.source / QUANTIZED / "tp2"
    check_sliced(sliced, 2)
    with storing(options.output):
        empty(options.output)
        work = options.output / ".work"
        code = DONE if options.build_graph is None else _build(options.build_graph, work)
        code = code or _compress(options.tree, sliced, work)
        if not done(code):
            return code
        check_compressed(work / "compressed")
        for path in sorted((work / "compressed").iterdir()):
            path.replace(options.output / path.name)
        shutil.rmtree(str(work))
    log.info("%s: compressed weights for 2 devices", options.output)
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    made = parser(NAME, "Compress sparse weights for two devices.")
    made.add_argument("--source", type=Path, required=True, metavar="DIR", help="sparse shards for 2 devices")
    made.add_argument(
        "--build-graph",
        type=Path,
        metavar="TOOLKIT",
        help=f"run TOOLKIT/{GRAPH}/build.sh first, for images that were made without it",
    )
    options = made.parse_args(list(arguments))
    options.source = folder("--source", options.source)
    options.output = options.output.resolve()
    return options


def _compress(tree: Path, sliced: Path, work: Path) -> int:
    argv = [
        script(tree, "generate_compress_weight.py"),
        f"--weight_path={sliced}",
        f"--save_path={work / 'compressed'}",
    ]
    return Run(NAME, work / "run")(argv, precision_env("float", os.environ, None))


def _build(toolkit: Path, work: Path) -> int:
    """Run the toolkit's build in its own folder, which must be writable."""
    graph = toolkit / GRAPH
    if not (graph / "build.sh").is_file():
        raise Fault(IMAGE_MISMATCH, f"{graph}/build.sh is missing; use an image whose CANN has ModelSlim")
    if not os.access(str(graph), os.W_OK):
        raise Fault(
            IMAGE_MISMATCH,
            f"{graph} cannot be written by this user; build the compressor when the image is built",
        )
    text = "import os, sys; os.chdir(sys.argv[1]); os.execvp('bash', ['bash', 'build.sh', sys.argv[2]])"
    return Run(NAME, work / "build")(["-c", text, str(graph), f"{toolkit}/latest/"], os.environ)
