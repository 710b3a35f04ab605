"""main.py of the example: the model on its devices, in a view of the weights that it may write to."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path
from typing import Sequence

from atb.example import ATB_MODELING, script
from atb.flags import folder
from atb.model_files import writable_view
from atb.precision import QUANTIZED, check_precision, precision_env
from atb.scripts import Run
from atb.weights import check_weights, room

log = logging.getLogger("atb")


class ModelRun:
    """One start of main.py for the command line `options` (see `flags.add_run`)."""

    def __init__(self, name: str, options: argparse.Namespace, work: Path) -> None:
        self._options = options
        self._model = folder("--model-path", options.model_path)
        self._view = work / "model"
        self._run = Run(name, work / "run", options.tp_size, options.grace)
        check_precision(options.precision, options.tp_size, options.compressed)
        check_weights(self._model, options.precision, options.tp_size, options.compressed)

    @property
    def folder(self) -> Path:
        """Where rank 0 runs."""
        return self._run.folder_of(0)

    def __call__(self, mode: str, flags: Sequence[str], length: int) -> int:
        """Run a mode of main.py with room for `length` tokens of prompt and answer; return the exit code."""
        options = self._options
        writable_view(self._model, self._view)
        argv = [
            script(options.tree, "main.py"),
            *("--mode", mode, "--model_path", str(self._view), "--tp_size", str(options.tp_size)),
            *("--batch", str(options.batch), "--device", str(options.device)),
            *("--model_file", script(options.tree, ATB_MODELING), *flags),
        ]
        env = precision_env(options.precision, os.environ, self._model / QUANTIZED, options.compressed)
        env["MAX_SEQ_LEN"] = str(room(length, env.get("MAX_SEQ_LEN")))
        log.info("MAX_SEQ_LEN is %s", env["MAX_SEQ_LEN"])
        return self._run(argv, env)
