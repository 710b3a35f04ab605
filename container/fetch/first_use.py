"""Digests of files that came without any, kept beside the target so that a later download has to agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Sequence

from artifacts.durable import replace_file
from artifacts.marker import ArtifactFile
from artifacts.storage import storing
from pod.exit_codes import BAD_MANIFEST, CHECKSUM, Fault


def agree(target: Path, files: Sequence[ArtifactFile], label: str) -> None:
    """Check `files` against what the first download to `target` saw, or record them if this is the first.

    The record outlives the target, which may be pruned and fetched again. `Fault` CHECKSUM names a file
    that differs.
    """
    record = target.with_name(f"{target.name}.first-use.json")
    seen = {file.path: str(file.sha256) for file in files}
    with storing(record):
        if not record.exists():
            replace_file(
                record, json.dumps(seen, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8")
            )
            return
        known = _read(record)
    changed = sorted(path for path in {**known, **seen} if known.get(path) != seen.get(path))
    if changed:
        first = changed[0]
        raise Fault(
            CHECKSUM,
            f"{first} from {label} has sha256 {seen.get(first)}, the first download had {known.get(first)}; "
            f"if that is meant, remove {record}",
        )


def _read(record: Path) -> Dict[str, str]:
    try:
        return {str(path): str(sha256) for path, sha256 in json.loads(record.read_text("utf-8")).items()}
    except (ValueError, AttributeError) as error:
        raise Fault(BAD_MANIFEST, f"{record} cannot be read ({error}); remove it to trust anew") from error
