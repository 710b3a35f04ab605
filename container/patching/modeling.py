"""Patches of a model's remote code: counted, repeatable, and refused where they do not fit."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Sequence, Tuple

from patching.logical_lines import LogicalLine, Replacement, logical_lines, replaced
from patching.patches import PATCHES, Patch
from pod.exit_codes import BAD_ARTIFACT, Fault

_NOTE = "# changed by patch_modeling.py: "
_NOTE_LINE = re.compile(re.escape(_NOTE) + r"([a-z, -]+)\r?\n\Z")


class Patched(NamedTuple):
    """The new text, and how often each patch was applied to the text as given."""

    text: str
    counts: Dict[str, int]


def patch_modeling(text: str, names: Sequence[str], file: str) -> Patched:
    """Return `text` with the patches `names`; `Fault` (BAD_ARTIFACT) names `file` where one does not fit.

    The last line of the result names the patches that were applied, so that a second time changes nothing.
    """
    body, before = _without_note(text)
    newline = "\r\n" if "\r\n" in body else "\n"
    counts: Dict[str, int] = {}
    for name in sorted(set(names)):
        found = _find(_lines(body, file), PATCHES[name], newline)
        if not found and name in before:
            continue
        _check_count(name, len(found), file)
        body, counts[name] = replaced(body, found), len(found)
    _lines(body, file)
    applied = sorted({*before, *names})
    if not body.endswith("\n"):
        body += newline
    return Patched(f"{body}{_NOTE}{', '.join(applied)}{newline}", counts)


def _without_note(text: str) -> Tuple[str, List[str]]:
    note = _NOTE_LINE.search(text)
    return (text[: note.start()], note.group(1).split(", ")) if note else (text, [])


def _find(lines: List[LogicalLine], patch: Patch, newline: str) -> List[Replacement]:
    return [found for line in lines for found in patch.find(line, newline)]


def _check_count(name: str, count: int, file: str) -> None:
    patch = PATCHES[name]
    if count and patch.exactly in (0, count):
        return
    wanted = f"{patch.exactly} time" if patch.exactly == 1 else "at least once"
    raise Fault(
        BAD_ARTIFACT,
        f"patch '{name}' does not fit {file}: '{patch.pattern}' is there {count} times, must be {wanted}; "
        "leave the patch out if this file does not need it, or use the revision that it is for",
    )


def _lines(text: str, file: str) -> List[LogicalLine]:
    try:
        return logical_lines(text)
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        raise Fault(
            BAD_ARTIFACT, f"{file} is not Python{where}: {type(error).__name__}; download the model again"
        ) from error
