"""The checkpoints that the ranks of a training have left, and which steps all of them have finished.

MindFormers writes `checkpoint/rank_N/<prefix>_rank_N-<epoch>_<step>.ckpt` (mindformers@3354237
mindformers/core/callback/callback.py, CheckpointMointor). MindSpore of that time writes in place, so a file
may be half-written. One that finds checkpoints of an earlier run calls its own `<prefix>_rank_N_1-...`
(mindspore 2.7.0 train/callback/_checkpoint.py), so that the names of one step differ between ranks, and
step numbers may begin again. Beside each finished file therefore lies a note, `rank_N/.complete/<file>`.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from artifacts.durable import replace_file

FOLDER = "checkpoint"
NOTES = ".complete"
NAME = re.compile(r".+-(\d+)_(\d+)\.ckpt")
RANK = re.compile(r"rank_(\d+)")


@dataclass(frozen=True)
class Note:
    """A finished file of one rank.

    `run` counts the runs of the training: each goes on from a step of one before. `order` counts the files of
    a run in the order of their end. `ranks` is how many ranks the run had.
    """

    file: str
    size: int
    epoch: int
    step: int
    run: int
    order: int
    ranks: int
    version: int = 1

    @property
    def key(self) -> Tuple[int, int, int]:
        """What the files of one step share in all ranks."""
        return self.run, self.epoch, self.step


Notes = Dict[int, List[Note]]
"""By rank."""


@dataclass(frozen=True)
class Step:
    """A step that every rank has finished: the files by rank."""

    epoch: int
    step: int
    run: int
    files: Tuple[Path, ...]


def rank_folder(output: Path, rank: int) -> Path:
    """Return where rank `rank` leaves its checkpoints."""
    return output / FOLDER / f"rank_{rank}"


def notes(folder: Path) -> List[Note]:
    """Return the notes of a rank's folder; one that cannot be read is none."""
    found = (_read(path) for path in sorted((folder / NOTES).glob("*.ckpt")))
    return [note for note in found if note is not None]


def write_note(folder: Path, note: Note) -> None:
    """Write `note` so that it is there whole or not at all."""
    (folder / NOTES).mkdir(exist_ok=True)
    replace_file(folder / NOTES / note.file, json.dumps(asdict(note)).encode() + b"\n")


def survey(output: Path) -> Notes:
    """Return the notes of all ranks that have left some, whatever their number was."""
    folders = [(RANK.fullmatch(folder.name), folder) for folder in (output / FOLDER).glob("rank_*")]
    return {int(match.group(1)): notes(folder) for match, folder in folders if match}


def complete(output: Path, found: Notes, ranks: int, most: int) -> List[Step]:
    """Return the newest steps, at most `most`, that `ranks` ranks, no more and no fewer, have finished.

    The newest comes last. Each file must be there with the size that was noted.
    """
    by_rank = [
        {note.key: note for note in found.get(rank, ()) if note.ranks == ranks} for rank in range(ranks)
    ]
    common = [note for key, note in by_rank[0].items() if all(key in other for other in by_rank)]
    steps: List[Step] = []
    for newest in sorted(common, key=lambda note: (note.run, note.order), reverse=True):
        if len(steps) == most:
            break
        of_step = [(rank_folder(output, rank), keyed[newest.key]) for rank, keyed in enumerate(by_rank)]
        if all(_size(folder / note.file) == note.size for folder, note in of_step):
            files = tuple(folder / note.file for folder, note in of_step)
            steps.insert(0, Step(newest.epoch, newest.step, newest.run, files))
    return steps


def drop_older(folder: Path, kept: Path) -> List[str]:
    """Remove the finished files of a rank that are older than its file `kept`; return their names.

    MindSpore counts the files of the run at hand only, so those of each run before would stay for ever.
    """
    found = notes(folder)
    limit = min((note.run, note.order) for note in found if note.file == kept.name)
    older = [note.file for note in found if (note.run, note.order) < limit]
    for name in older:
        (folder / NOTES / name).unlink()
        with contextlib.suppress(FileNotFoundError):
            (folder / name).unlink()
    return older


def next_run(found: Notes) -> int:
    """Return the number of the run that begins: one more than any that left a note."""
    return 1 + max((note.run for of_rank in found.values() for note in of_rank), default=0)


def _read(path: Path) -> Optional[Note]:
    try:
        note = Note(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.version == 1 and note.file == path.name else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
