"""What MindFormers leaves in the output folder of a training run.

`checkpoint/rank_N/<prefix>-<epoch>_<step>.ckpt` with the optimizer's state, and a note of each that is
finished (training.steps); `checkpoint_network/rank_N/<prefix>-network.ckpt` with the model alone, written
again with every step; `strategy/ckpt_strategy_rank_N.ckpt` in a parallel run (mindformers@3354237
mindformers/core/callback/callback.py, CheckpointMointor).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, List, Match, Optional, Pattern, Tuple

from pod.exit_codes import BAD_ARTIFACT, Fault
from training import steps

Ranks = Dict[int, Path]
"""Files by rank."""

RANK = re.compile(r"rank_(\d+)")
NETWORK = "checkpoint_network"


def newest(folder: Path) -> Tuple[str, Ranks]:
    """Return what to merge of the run in `folder`: a name for the log, and one file a rank.

    That is the newest step that every rank has noted as finished. The model alone is not noted, and a run
    that was killed while it wrote and had nothing left to train afterwards leaves it half; it is taken where
    nothing is noted, from a run that another tool started, and before files with numbers.
    """
    noted = _noted(folder)
    if noted:
        return noted
    ranks = _ranks(folder / steps.FOLDER) or _ranks(folder / NETWORK)
    if not ranks:
        raise Fault(
            BAD_ARTIFACT, f"{folder} holds no checkpoint/rank_N: it is not the output of a training run"
        )
    networks = {rank: _newest_network(folder / NETWORK / f"rank_{rank}") for rank in ranks}
    found = {rank: path for rank, path in networks.items() if path is not None}
    return (NETWORK, found) if len(found) == len(ranks) else _by_name(ranks)


def _noted(folder: Path) -> Optional[Tuple[str, Ranks]]:
    notes = steps.notes(steps.rank_folder(folder, 0))
    if not notes:
        return None
    ranks = max(notes, key=lambda note: (note.run, note.order)).ranks
    complete = steps.complete(folder, steps.survey(folder), ranks, 1)
    if not complete:
        raise Fault(BAD_ARTIFACT, f"no step of the run in {folder} is noted as finished by all {ranks} ranks")
    step = complete[-1]
    return f"epoch {step.epoch} step {step.step}", dict(enumerate(step.files))


def _by_name(ranks: Ranks) -> Tuple[str, Ranks]:
    """Return the newest step of which every rank has a file, by the age of rank 0's."""
    found = {rank: _steps(path) for rank, path in ranks.items()}
    complete = set.intersection(*map(set, found.values()))
    if not complete:
        counts = ", ".join(f"rank {rank}: {_shown(named)}" for rank, named in sorted(found.items()))
        raise Fault(BAD_ARTIFACT, f"no step was saved by all {len(ranks)} ranks ({counts})")
    step = max(complete, key=lambda each: _age(found[0][each]))
    return f"epoch {step[0]} step {step[1]}", {rank: named[step] for rank, named in found.items()}


def _steps(rank: Path) -> Dict[Tuple[int, int], Path]:
    files = sorted(_matches(rank, steps.NAME), key=lambda entry: _age(entry[0]))
    return {(int(match.group(1)), int(match.group(2))): path for path, match in files}


def _ranks(folder: Path) -> Ranks:
    """Return the rank folders of `folder`; their numbers must be 0 to N-1."""
    found = {int(match.group(1)): path for path, match in _matches(folder, RANK) if path.is_dir()}
    if found and sorted(found) != list(range(len(found))):
        listed = ", ".join(str(rank) for rank in sorted(found))
        raise Fault(BAD_ARTIFACT, f"{folder} has the ranks {listed}; expected 0 to {max(found)} without gaps")
    return found


def _matches(folder: Path, pattern: Pattern[str]) -> List[Tuple[Path, Match[str]]]:
    if not folder.is_dir():
        return []
    named = [(path, pattern.fullmatch(path.name)) for path in sorted(folder.iterdir())]
    return [(path, match) for path, match in named if match]


def _newest_network(rank: Path) -> Optional[Path]:
    """Return the file of the run that went on last: each names its own."""
    files = list(rank.glob("*-network.ckpt"))
    return max(files, key=_age) if files else None


def _age(path: Path) -> float:
    return path.stat().st_mtime


def _shown(named: Dict[Tuple[int, int], Path]) -> str:
    return " ".join(f"{epoch}_{step}" for epoch, step in sorted(named)[-3:]) or "none"


def strategies(path: Path) -> List[Path]:
    """Return the strategy files of `path`: one file, or a folder of one file a rank; [] if there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    return sorted(
        file for file in path.glob("*.ckpt") if file.is_file() and not file.name.startswith("merged_")
    )
