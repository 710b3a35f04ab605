"""A program as our child, whose output is ours and is listened to."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Callable, Sequence

from pod.exit_codes import USAGE, Fault
from pod.signalled_child import start_signalled


def run_listening(argv: Sequence[str], listen: Callable[[str], None]) -> int:
    """Run `argv`, pass on each line that it says after `listen` had it, and return its exit code.

    SIGTERM and SIGINT are forwarded; a child that a signal ended gives 128 and its number.
    """
    child = _started(argv)
    with child:
        for line in child.stdout or ():
            listen(line)
            sys.stdout.write(line)
            sys.stdout.flush()
        code = child.wait()
    return code if code >= 0 else 128 - code


def _started(argv: Sequence[str]) -> subprocess.Popen[str]:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            list(argv),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
            encoding="utf-8",
            errors="replace",
        )

    try:
        return start_signalled(start)[0]
    except OSError as error:
        raise Fault(
            USAGE, f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; is it in this image?"
        ) from error
