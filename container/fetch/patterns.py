"""Which files of a source belong to the artifact."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import List, Sequence

from fetch.names import distinct, safe
from fetch.remote import RemoteFile
from pod.exit_codes import BAD_MANIFEST, Fault

_NEVER = (".gitattributes", ".gitignore")
"""About the repository, not the model; hubs differ in them (modelscope@003d3dc hub/api.py drops them too)."""


def select(
    files: Sequence[RemoteFile],
    include: Sequence[str],
    exclude: Sequence[str],
    require: Sequence[str],
    label: str,
) -> List[RemoteFile]:
    """Return the files that match any of `include` (default: all) and none of `exclude`, by path.

    A pattern is matched against the whole path and `*` matches `/` too, as the hubs' own clients do
    (huggingface_hub `filter_repo_objects`). `Fault` BAD_MANIFEST if nothing is left or if one of `require`
    matches no chosen file; UNSAFE_NAME for a chosen name that could leave the target.
    """
    chosen = [file for file in files if _wanted(file.path, include, exclude)]
    if not chosen:
        raise Fault(BAD_MANIFEST, f"{label} has {len(files)} files, none of which the patterns choose")
    for pattern in require:
        if not any(fnmatchcase(file.path, pattern) for file in chosen):
            names = ", ".join(sorted(file.path for file in chosen)[:20])
            raise Fault(BAD_MANIFEST, f"{label} has no file that matches {pattern}; chosen are {names}")
    distinct(safe(file.path) for file in chosen)
    return sorted(chosen, key=lambda file: file.path)


def _wanted(path: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    if path in _NEVER:
        return False
    if include and not any(fnmatchcase(path, pattern) for pattern in include):
        return False
    return not any(fnmatchcase(path, pattern) for pattern in exclude)
