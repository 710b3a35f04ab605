"""A command as our child, which gets the signals that are meant for it."""

from __future__ import annotations

import os
import subprocess
from typing import Callable, Mapping, Optional, Sequence

from pod.exit_codes import USAGE, Fault
from pod.signalled_child import start_signalled

LOOK_SECONDS = 0.5


def run_child(
    argv: Sequence[str], env: Mapping[str, str], look: Callable[[], Optional[Fault]] = lambda: None
) -> int:
    """Run `argv` with SIGTERM and SIGINT forwarded; its exit code, 128 + n if signal n ended it.

    `look` is asked twice a second; the child is killed for the `Fault` that it returns, which is raised.
    """
    try:
        child, _ = start_signalled(lambda: subprocess.Popen(list(argv), env=dict(env)))
    except OSError as error:
        raise Fault(
            USAGE, f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; is it in this image?"
        ) from error
    while True:
        try:
            code = child.wait(LOOK_SECONDS)
            return code if code >= 0 else 128 - code
        except subprocess.TimeoutExpired:
            fault = look()
            if fault:
                child.kill()
                child.wait()
                raise fault from None
