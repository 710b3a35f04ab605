"""That all ranks of a training came to their end, so that a start after that has nothing left to do.

A pod may be lost after the last step and before the output is complete. What is started then cannot go on
from the last step: MindFormers sets the pipeline's first step before it compiles, and MindSpore refuses one
beyond the end (mindformers@3354237 mindformers/trainer/base_trainer.py; mindspore
ccsrc/minddata/dataset/engine/opt/pre/add_skip_pass.cc).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Optional, Tuple

from artifacts.durable import replace_file
from training.steps import NOTES, rank_folder

_END = ".ended"


def note_end(folder: Path, run: int, ranks: int) -> None:
    """Note that the rank of `folder` came to the end of the run, which has so many ranks.

    As all notes, this is no part of the artifact.
    """
    (folder / NOTES).mkdir(exist_ok=True)
    replace_file(folder / NOTES / _END, json.dumps({"run": run, "ranks": ranks}).encode() + b"\n")


def has_ended(output: Path, ranks: int) -> bool:
    """Whether `ranks` ranks, no more and no fewer, came to the end of one run."""
    ends = [_end(rank_folder(output, rank)) for rank in range(ranks)]
    first = ends[0]
    return first is not None and first[1] == ranks and all(end == first for end in ends)


def _end(folder: Path) -> Optional[Tuple[int, int]]:
    try:
        noted = json.loads((folder / NOTES / _END).read_text("utf-8"))
        return int(noted["run"]), int(noted["ranks"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
