"""A program that reads questions from a terminal, ended when none comes for a time."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import time
from typing import IO, Optional, Sequence

from pod.exit_codes import IMAGE_MISMATCH, Fault
from pod.signalled_child import start_signalled

GRACE_SECONDS = 180.0
"""The program reads its farewell when its answer is whole: 512 tokens take 128 s at 4 a second."""

LOOK_SECONDS = 0.5

log = logging.getLogger("chat_program")


def run_until_idle(argv: Sequence[str], idle_seconds: float, farewell: str) -> int:
    """Run `argv` with our input passed on; its exit code.

    After `idle_seconds` without input, or at its end, the program is told `farewell`, and killed where it has
    not ended 180 seconds later. SIGTERM ends it at once.
    """
    try:
        child, _ = start_signalled(
            lambda: subprocess.Popen(list(argv), stdin=subprocess.PIPE), numbers=[signal.SIGTERM]
        )
    except OSError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; was it built for this image?",
        ) from error
    told = True
    while told and child.poll() is None:
        typed = _typed(child, idle_seconds)
        if typed is None:
            log.info("no question for %g minutes: ending", idle_seconds / 60)
        told = _tell(child.stdin, typed or f"{farewell}\n".encode()) and bool(typed)
    return _ended(child)


def _typed(child: subprocess.Popen[bytes], seconds: float) -> Optional[bytes]:
    """Return what was typed, nothing at the end of the input or of the child, None if time is over."""
    end = time.monotonic() + seconds
    while child.poll() is None:
        left = end - time.monotonic()
        if left <= 0:
            return None
        ready, _, _ = select.select([0], [], [], min(left, LOOK_SECONDS))
        if ready:
            return os.read(0, 65536)
    return b""


def _tell(stdin: Optional[IO[bytes]], text: bytes) -> bool:
    if stdin is None:
        return False
    try:
        stdin.write(text)
        stdin.flush()
    except BrokenPipeError:
        return False
    return True


def _ended(child: subprocess.Popen[bytes]) -> int:
    try:
        code = child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        code = child.wait()
    return code if code >= 0 else 128 - code
