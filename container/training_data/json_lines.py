"""Files with one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from pod.exit_codes import BAD_ARTIFACT, Fault
from training_data.mistakes import Mistakes

Record = Dict[str, Any]
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_SHOWN = 40


def texts(path: Path, columns: Sequence[str]) -> List[Record]:
    """Return the records of `path`, each of whose `columns` must be a text that is not empty.

    Raises `Fault` (BAD_ARTIFACT) with file, line and mistake. The trainers' own readers drop such lines
    (mindformers@3354237 adgen_dataloader.py), and adgen_dataset.py of mindformers@c8a5808 ends at them.
    """
    mistakes = Mistakes(path)
    found: List[Record] = []
    for number, record in _objects(path, mistakes):
        wrong = _wrong(record, columns)
        if wrong:
            mistakes.add(number, wrong)
        found.append(record)
    mistakes.end()
    return _some(path, found)


def objects(path: Path, mistakes: Mistakes) -> List[Tuple[int, Record]]:
    """Return the objects of `path` with their line numbers; what is no object is added to `mistakes`."""
    return list(_objects(path, mistakes))


def _some(path: Path, found: List[Record]) -> List[Record]:
    if not found:
        raise Fault(BAD_ARTIFACT, f"{path} is empty; expected one JSON object a line")
    return found


def _objects(path: Path, mistakes: Mistakes) -> Iterator[Tuple[int, Record]]:
    if not path.is_file():
        raise Fault(BAD_ARTIFACT, f"{path} is not there; {_others(path.parent)}")
    blank = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                blank = blank or number
                continue
            if blank:  # only at the end do blank lines mean nothing
                mistakes.add(blank, "the line is empty; expected one JSON object a line")
                blank = 0
            try:
                yield number, _object(line[3:] if number == 1 and line.startswith(BYTE_ORDER_MARK) else line)
            except ValueError as error:
                mistakes.add(number, str(error))


def _others(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return (
        f"the folder holds {', '.join(names) or 'nothing'}" if folder.is_dir() else "there is no such folder"
    )


def _object(line: bytes) -> Record:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start + 1}: convert the file to UTF-8") from error
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON ({error}): {_short(text)}") from error
    if not isinstance(value, dict):
        raise ValueError(f"not a JSON object but a {type(value).__name__}: {_short(text)}")
    return value


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."


def _wrong(record: Record, columns: Sequence[str]) -> str:
    for column in columns:
        if column not in record:
            return f"no column '{column}'; it has {', '.join(sorted(record)) or 'none'}"
        value = record[column]
        if not isinstance(value, str):
            return f"column '{column}' is a {type(value).__name__}; expected a text"
        if not value.strip():
            return f"column '{column}' is empty"
    return ""


def written(record: Record) -> str:
    """Return the line of `record`, characters as they are."""
    return json.dumps(record, ensure_ascii=False) + "\n"
