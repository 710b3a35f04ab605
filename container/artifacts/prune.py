"""Artifacts that nothing refers to any more, removed from a store."""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from artifacts import marker
from artifacts.lease import Lease, LeaseState
from artifacts.storage import storing
from artifacts.termination_signal import watch
from pod.amounts import duration, size
from pod.arguments import Parser
from pod.exit_codes import DONE, TERMINATED, USAGE, Fault
from pod.main import run

NAME = "prune_artifacts"
PARTIAL, LEASE, REMOVED = ".partial", ".lease", ".removed"
DAY_SECONDS = 86400.0

log = logging.getLogger(NAME)


@dataclass(frozen=True)
class Candidate:
    """A directory of the store that is not kept; `artifact` is the directory whose lease guards it."""

    path: Path
    artifact: Path
    bytes: int
    age: float


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    parser = Parser(prog=NAME, description="Remove the artifacts of a store that are not kept.")
    parser.add_argument(
        "--store", required=True, type=Path, metavar="DIR", help="where the volume is mounted"
    )
    parser.add_argument("--keep", action="append", default=[], metavar="NAME-LINEAGE", help="stays")
    parser.add_argument("--min-age", type=float, default=DAY_SECONDS, metavar="SECONDS", help="default a day")
    parser.add_argument("--delete", action="store_true", help="without it, only say what would be removed")
    parser.add_argument("--lease-takeover", type=float, default=60.0, metavar="SECONDS", help="default 60")
    options = parser.parse_args(list(arguments))
    if not options.store.is_dir():
        raise Fault(USAGE, f"store {options.store} is not a directory: mount the volume there")
    stopped = watch()
    freed = 0
    for candidate in candidates(options.store, options.keep, time.time()):
        if stopped.is_set():
            raise Fault(TERMINATED, f"told to stop after {size(freed)} were freed")
        freed += _treat(candidate, options.delete, options.min_age, options.lease_takeover)
    log.info("%s %s", size(freed), "freed" if options.delete else "would be freed; --delete frees them")
    return DONE


def candidates(store: Path, keep: Sequence[str], now: float) -> Iterator[Candidate]:
    """Yield what this library made in `store` and `keep` does not name; what others made is left alone.

    Ours are directories with a marker, and unfinished ones by their endings. Ages are seconds before `now`.
    """
    with storing(store):
        entries = sorted(store.iterdir())
    for path in entries:
        artifact = path.with_name(_stem(path.name))
        if path.is_symlink() or not path.is_dir() or path.name.endswith(LEASE):
            continue
        if artifact.name in keep:
            log.info("keeping %s", path.name)
        elif path != artifact or (path / marker.MARKER_NAME).is_file():
            yield Candidate(path, artifact, _bytes(path), now - _changed(path))
        else:
            log.info(
                "leaving %s: it has no marker, so something else made it or a task still does", path.name
            )


def _treat(candidate: Candidate, delete: bool, min_age: float, takeover: float) -> int:
    """Remove `candidate`, or say that it would be; the bytes that frees."""
    name, amount = candidate.path.name, size(candidate.bytes)
    if candidate.age < min_age:
        log.info("leaving %s, %s: only %s old", name, amount, duration(max(0.0, candidate.age)))
        return 0
    if not delete:
        log.info("would remove %s, %s, %s old", name, amount, duration(candidate.age))
        return candidate.bytes
    lease = Lease(candidate.artifact, socket.gethostname(), takeover=takeover)
    patience = time.monotonic() + takeover + 5
    seen: List[LeaseState] = []
    if not lease.acquire(seen.append, lambda: time.monotonic() > patience or _alive(seen)):
        log.info("leaving %s, %s: %s is working on it", name, amount, seen[-1].holder)
        return 0
    with lease, storing(candidate.path):
        _remove(candidate.path)
        lease.release(finished=True)
    log.info("removed %s, %s", name, amount)
    return candidate.bytes


def _alive(seen: Sequence[LeaseState]) -> bool:
    """Whether the holder gave a sign of life while it was watched: the time without one went back."""
    return len(seen) > 1 and seen[-1].unchanged < seen[-2].unchanged


def _remove(path: Path) -> None:
    """Remove `path`; its name goes first, so that nobody takes what is left after a kill for an artifact."""
    removed = path if path.name.endswith(REMOVED) else path.with_name(path.name + REMOVED)
    if removed != path:
        shutil.rmtree(str(removed), ignore_errors=True)
        path.rename(removed)
    shutil.rmtree(str(removed))


def _stem(name: str) -> str:
    """Return the artifact's name of a directory that is on its way in or out."""
    for ending in (REMOVED, PARTIAL, LEASE):
        if name.endswith(ending):
            return _stem(name[: -len(ending)])
    return name


def _bytes(path: Path) -> int:
    total = 0
    for folder, _, names in os.walk(str(path)):
        for name in names:
            total += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118 (of os.walk)
    return total


def _changed(path: Path) -> float:
    """Return when something in `path` last changed, two levels down: a download writes its journal there."""
    times = [path.stat().st_mtime]
    times += [entry.lstat().st_mtime for entry in path.iterdir()]
    return max(times)
