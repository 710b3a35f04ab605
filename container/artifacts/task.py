"""A vendor's tool wrapped so that its output becomes an artifact: once, by one pod, whole or not at all."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Dict, List, Optional, Sequence

from artifacts import marker
from artifacts.lease import Lease, LeaseState
from artifacts.marker import ArtifactFile, Marker
from artifacts.storage import storing
from artifacts.termination_signal import watch
from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, LEASE_LOST, TERMINATED, USAGE, Fault
from pod.main import run
from pod.termination import report_if_silent

NAME = "run_task"
REMIND_SECONDS = 30.0
LOOK_SECONDS = 0.5

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    stopped = watch()
    output: Path = options.output
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


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=NAME, description="Run a command that fills an artifact's directory.")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--name", required=True)
    parser.add_argument("--lineage", required=True)
    parser.add_argument("--format", required=True)
    parser.add_argument("--source", type=_source, default={}, metavar="JSON", help="recorded in the marker")
    parser.add_argument("--require", action="append", default=[], metavar="GLOB", help="must match a file")
    parser.add_argument("--lease-heartbeat", type=float, default=10.0, help="seconds (default 10)")
    parser.add_argument("--lease-takeover", type=float, default=60.0, help="seconds (default 60)")
    parser.add_argument("argv", nargs="+", metavar="-- ARGV", help="the command, after --")
    return parser.parse_args(list(arguments))


def _source(text: str) -> Dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON ({error}): {text}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"not a JSON object: {text}")
    return value


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


def _produce(options: argparse.Namespace, lease: Lease) -> int:
    output: Path = options.output
    with storing(output):
        output.mkdir(parents=True, exist_ok=True)
    code = _run_child(options.argv, output, lease)
    if code != DONE:
        cause = f"{options.argv[0]} ended with exit code {code}; {output} stays without a marker"
        log.error("%s", cause)
        report_if_silent(cause)
        return code
    _check_required(output, options.require)
    if not lease.confirm():
        raise Fault(LEASE_LOST, f"another pod took over {output} while this one ran; it is left to that pod")
    files = tuple(_files(output))
    with storing(output):
        open_to_readers(output)
        marker.write(
            output, Marker(options.name, options.lineage, options.format, files=files, source=options.source)
        )
    lease.release(finished=True)
    log.info("%s is complete: %d files, %d bytes", output, len(files), sum(f.size for f in files))
    return DONE


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


def _run_child(argv: List[str], output: Path, lease: Lease) -> int:
    """Run `argv` with signals forwarded; its exit code, 128 + n if signal n ended it."""
    log.info("running %s", " ".join(argv))
    try:
        child = subprocess.Popen(argv, env={**os.environ, "ARTIFACT_DIR": str(output)})
    except OSError as error:
        raise Fault(
            USAGE, f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; is it in this image?"
        ) from error

    def forward(number: int, _frame: Optional[FrameType]) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    signal.signal(signal.SIGINT, forward)
    while True:
        try:
            code = child.wait(LOOK_SECONDS)
            return code if code >= 0 else 128 - code
        except subprocess.TimeoutExpired:
            if lease.lost:
                child.kill()
                child.wait()
                raise Fault(LEASE_LOST, f"lost the lease of {output}: another pod makes it now") from None


def _check_required(output: Path, patterns: List[str]) -> None:
    for pattern in patterns:
        if not any(path.is_file() for path in output.glob(pattern)):
            found = ", ".join(sorted(path.name for path in output.iterdir())) or "nothing"
            raise Fault(
                BAD_ARTIFACT,
                f"the command succeeded but left no file that matches {pattern} in {output}; it left {found}",
            )


def _files(output: Path) -> List[ArtifactFile]:
    paths = sorted(path for path in output.rglob("*") if path.is_file() and path.name != marker.MARKER_NAME)
    return [ArtifactFile(path.relative_to(output).as_posix(), path.stat().st_size) for path in paths]
