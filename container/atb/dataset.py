"""The C-Eval data set as prepared for the guide: `val/<category>/<subject>.jsonl`."""

from __future__ import annotations

from pathlib import Path

from atb.flags import folder
from pod.exit_codes import BAD_ARTIFACT, Fault


def dataset_folder(given: Path) -> Path:
    """Return the folder that has `val`: `given`, or the one below it, as archives are packed."""
    found = folder("--dataset", given)
    for each in (found, *sorted(path for path in found.iterdir() if path.is_dir())):
        if any(each.glob("val/**/*.jsonl")):
            return each
    raise Fault(BAD_ARTIFACT, f"--dataset {given} has no val/**/*.jsonl; unpack the guide's C-Eval there")
