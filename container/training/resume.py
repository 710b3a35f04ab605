"""The arguments by which MindFormers goes on from one step.

Given a folder with `rank_N/*.ckpt`, MindFormers takes each rank's newest file (mindformers@3354237
mindformers/trainer/utils.py, get_last_checkpoint, the same from c8a5808 to r1.3.0), also one that is
half-written or that other ranks lack. So it gets a folder of links to exactly the files of one step.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from training.options import RESUME_TRAINING
from training.steps import Step

LINKS = "resume"

_REPLACED = ("--load_checkpoint", "--resume_training", "--auto_trans_ckpt", "--src_strategy_path_or_dir")

_NEUTRAL: Dict[str, Any] = {"auto_trans_ckpt": False, "src_strategy_path_or_dir": ""}
"""The step was saved with the layout that it is loaded into, so that nothing is to be transformed."""


def link(step: Step, folder: Path) -> Path:
    """Return the path that MindFormers loads `step` from.

    `folder` gets a link for each rank's file, named alike in all ranks, as r1.3.0
    mindformers/tools/resume_ckpt.py wants it.
    """
    shutil.rmtree(str(folder), ignore_errors=True)
    for rank, file in enumerate(step.files):
        place = folder / f"rank_{rank}"
        place.mkdir(parents=True)
        (place / f"checkpoint_rank_{rank}-{step.epoch}_{step.step}.ckpt").symlink_to(file.resolve())
    return folder.resolve()


def load_path(step: Step, rank: int, document: Any, folder: Path) -> Path:  # noqa: ANN401 (a configuration)
    """Return what `--load_checkpoint` names: the rank's own file if it is whole, else the folder of all.

    With parallel mode 0 every rank has the whole model, and the version of June 2023 then takes a file only.
    """
    mode = (document.get("parallel") or {}).get("parallel_mode") if isinstance(document, dict) else None
    if len(step.files) == 1 or mode in (0, "stand_alone", "data_parallel"):
        return step.files[rank].resolve()
    return link(step, folder)


def arguments(given: Sequence[str], kind: str, path: Path) -> Tuple[str, ...]:
    """Return `given` with what it says of checkpoints replaced by what goes on from `path`."""
    kept = list(_without(given, _REPLACED))
    resumed = ["--resume_training", "True"] if kind == RESUME_TRAINING else []
    return (*kept, "--load_checkpoint", str(path), *resumed)


def neutralize(document: Any) -> None:  # noqa: ANN401 (a configuration)
    """Have the configuration ask for no transformation of the checkpoint, and for no choice of another one.

    r1.0, r1.2 and r1.3 choose by files that all ranks write into the output, unless told to take the newest
    (run_mindformer.py and mindformers/trainer/trainer.py there); other versions do not know that key.
    """
    if isinstance(document, dict):
        document.update({key: value for key, value in _NEUTRAL.items() if key in document})
        document["resume_by_last_timestamp_ckpt"] = True


def with_config(given: Sequence[str], path: Path) -> Tuple[str, ...]:
    """Return `given` with `path` as its configuration."""
    return ("--config", str(path), *_without(given, ("--config",)))


def _without(given: Sequence[str], flags: Sequence[str]) -> List[str]:
    """Return `given` without `flags` and their values, in the forms `--flag value` and `--flag=value`."""
    kept: List[str] = []
    skip = False
    for argument in given:
        if skip:
            skip = False
        elif argument in flags:
            skip = True
        elif argument.partition("=")[0] not in flags:
            kept.append(argument)
    return kept
