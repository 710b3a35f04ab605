"""A vendor's tool as our child: its output is ours, and when it fails its last lines are the cause."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Deque, Mapping, Optional, Sequence

from pod.exit_codes import BAD_ARTIFACT, IMAGE_MISMATCH, TERMINATED, Fault
from pod.signalled_child import ENDING, start_signalled

LAST_LINES = 12


def run_tool(
    argv: Sequence[str],
    folder: Optional[Path] = None,
    env: Optional[Mapping[str, str]] = None,
    failure: int = BAD_ARTIFACT,
) -> None:
    """Run `argv` in `folder` with `env` beside our own environment, passing SIGTERM on.

    Raises `Fault`: IMAGE_MISMATCH where the tool is not there, TERMINATED where we were told to stop, and
    `failure` with the exit code and the last lines otherwise.
    """
    lines: Deque[str] = deque(maxlen=LAST_LINES)
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        child, asked = start_signalled(lambda: _started(argv, folder, {**os.environ, **(env or {})}), _end)
        code = _copied(child, lines)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if code != 0 and asked:
        raise Fault(TERMINATED, f"told to stop while {_name(argv)} was running")
    if code != 0:
        said = "\n".join(lines) or "it said nothing"
        raise Fault(failure, f"{_name(argv)} {_ended(code)}; its last lines:\n{said}")


def _started(argv: Sequence[str], folder: Optional[Path], env: Mapping[str, str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            list(argv),
            cwd=str(folder) if folder else None,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise Fault(
            IMAGE_MISMATCH, f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; is it in this image?"
        ) from error


def _end(child: subprocess.Popen[str], number: int) -> None:
    """Signal all of the tool: a shell waits for what it runs before it looks at its own signals."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _copied(child: subprocess.Popen[str], lines: Deque[str]) -> int:
    with child:
        for line in child.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip("\n"))
        return child.wait()


def _name(argv: Sequence[str]) -> str:
    """Return the script where an interpreter runs one, else the program."""
    program = Path(argv[0]).name
    script = next((word for word in argv[1:] if not word.startswith("-")), "")
    return Path(script).name if script and program.startswith(("python", "bash", "sh")) else program


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"
