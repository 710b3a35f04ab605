"""A program as our child, whose output is ours and is listened to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType
from typing import Callable, Optional, Sequence

from pod.exit_codes import USAGE, Fault


def run_listening(argv: Sequence[str], listen: Callable[[str], None]) -> int:
    """Run `argv`, pass on each line that it says after `listen` had it, and return its exit code.

    SIGTERM and SIGINT are forwarded; a child that a signal ended gives 128 and its number.
    """
    try:
        child = subprocess.Popen(
            list(argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise Fault(
            USAGE, f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; is it in this image?"
        ) from error

    def forward(number: int, _frame: Optional[FrameType]) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, forward)
    with child:
        for line in child.stdout or ():
            listen(line)
            sys.stdout.write(line)
            sys.stdout.flush()
        code = child.wait()
    return code if code >= 0 else 128 - code
