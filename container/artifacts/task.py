"""A vendor's tool wrapped so that its output becomes an artifact: once, whole or not at all.

Of a task of many pods pod 0 holds the lease and writes the marker; the others run the command beside it.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from artifacts import ended, marker
from artifacts.child import run_child
from artifacts.lease import Lease, LeaseState
from artifacts.marker import ArtifactFile, Marker
from artifacts.storage import storing
from artifacts.task_options import NAME, Options, parse
from artifacts.termination_signal import watch
from pod.exit_codes import BAD_ARTIFACT, DONE, LEASE_LOST, TERMINATED, Fault
from pod.main import run
from pod.termination import report_if_silent

REMIND_SECONDS = 30.0

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    return _assist(options) if options.pod_index else _lead(options)


def _assist(options: Options) -> int:
    """Run the command in a pod that has no say in the artifact."""
    output = options.output
    if marker.read(output) is not None:
        log.info("%s is complete: nothing to do", output)
        return DONE
    with storing(output):
        if ended.recorded(output):
            log.info("the command has ended well in all pods; pod 0 completes %s", output)
            return DONE
        output.mkdir(parents=True, exist_ok=True)
    return _run_command(options, None)


def _lead(options: Options) -> int:
    output = options.output
    stopped = watch()
    lease = Lease(output, socket.gethostname(), options.lease_heartbeat, options.lease_takeover)

    def over() -> bool:
        return stopped.is_set() or marker.read(output) is not None

    with storing(output):
        held = lease.acquire(_Reminder(output), over)
    with lease:
        if marker.read(output) is not None:
            log.info("%s is complete: nothing to do", output)
            lease.release(finished=True)
            return DONE
        if not held or stopped.is_set():
            raise Fault(TERMINATED, f"told to stop before {output} could be started")
        return _produce(options, lease)


class _Reminder:
    """Says every 30 seconds who holds the lease."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._next = 0.0

    def __call__(self, state: LeaseState) -> None:
        if state.unchanged < self._next:
            return
        log.info("waiting: %s is being made by %s", self._output, state.holder)
        self._next = state.unchanged + REMIND_SECONDS


def _produce(options: Options, lease: Lease) -> int:
    output = options.output
    with storing(output):
        output.mkdir(parents=True, exist_ok=True)
        before = options.pods > 1 and ended.recorded(output)
    if before:
        log.info("the command has ended well before; completing %s", output)
    else:
        code = _run_command(options, lease)
        if code != DONE:
            return code
    if not lease.confirm():
        raise Fault(LEASE_LOST, f"another pod took over {output} while this one ran; it is left to that pod")
    if options.pods > 1:
        with storing(output):
            ended.record(output)
    _check_required(output, options.require)
    _complete(options)
    lease.release(finished=True)
    return DONE


def _complete(options: Options) -> None:
    output = options.output
    with storing(output):
        files = tuple(_files(output))
        open_to_readers(output)
        marker.write(
            output, Marker(options.name, options.lineage, options.format, files=files, source=options.source)
        )
    log.info("%s is complete: %d files, %d bytes", output, len(files), sum(f.size for f in files))


def open_to_readers(output: Path) -> None:
    """Let every user read what the task made; what another user made is left as it is.

    MindSpore saves checkpoints as 0400, and who serves, merges or uploads them may be somebody else.
    """
    for folder, names, files in os.walk(str(output)):
        for path in [Path(folder), *(Path(folder) / name for name in [*names, *files])]:
            status = path.lstat()
            wanted = 0o555 if stat.S_ISDIR(status.st_mode) else 0o444
            if not stat.S_ISLNK(status.st_mode) and status.st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(status.st_mode) | wanted)


def _run_command(options: Options, lease: Optional[Lease]) -> int:
    """Run the command, killed should `lease` be lost; its exit code, its failure told."""
    output = options.output

    def look() -> Optional[Fault]:
        lost = lease is not None and lease.lost
        return Fault(LEASE_LOST, f"lost the lease of {output}: another pod makes it now") if lost else None

    log.info("running %s", " ".join(options.argv))
    code = run_child(options.argv, {**os.environ, "ARTIFACT_DIR": str(output)}, look)
    if code != DONE:
        cause = f"{options.argv[0]} ended with exit code {code}; {output} stays without a marker"
        log.error("%s", cause)
        report_if_silent(cause)
    return code


def _check_required(output: Path, patterns: List[str]) -> None:
    for pattern in patterns:
        if not any(path.is_file() for path in output.glob(pattern)):
            with storing(output):
                ended.forget(output)
            found = ", ".join(sorted(path.name for path in output.iterdir())) or "nothing"
            raise Fault(
                BAD_ARTIFACT,
                f"the command succeeded but left no file that matches {pattern} in {output}; it left {found}",
            )


def _files(output: Path) -> List[ArtifactFile]:
    paths = sorted(path for path in output.rglob("*") if path.is_file() and path.name != marker.MARKER_NAME)
    return [ArtifactFile(path.relative_to(output).as_posix(), _size(path)) for path in paths]


def _size(path: Path) -> int:
    """Return the file's size, opened for it: NFS answers a plain `stat` of another pod's file from memory."""
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size
    except PermissionError:
        return path.stat().st_size
