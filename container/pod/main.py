"""The frame around every entry file: logging, and each way to end turned into an exit code with its cause."""

from __future__ import annotations

import logging
from typing import Callable

from pod.exit_codes import TERMINATED, TRANSIENT, Fault
from pod.log import setup
from pod.termination import report


def run(name: str, body: Callable[[], int]) -> int:
    """Run `body` with logging under `name` and return the exit code.

    A `Fault` is logged, becomes the termination message and gives its code. Any other exception gives
    TRANSIENT with its type and message: what nobody foresaw may well be the node's fault, so another try is
    right.
    """
    logger = setup(name)
    try:
        return body()
    except Fault as fault:
        return _end(logger, fault.code, str(fault))
    except KeyboardInterrupt:
        return _end(logger, TERMINATED, "interrupted")
    except Exception as error:  # the last frame: nothing may end without a cause
        logger.debug("traceback", exc_info=True)
        return _end(logger, TRANSIENT, f"{type(error).__name__}: {error}")


def _end(logger: logging.Logger, code: int, cause: str) -> int:
    logger.error("%s (exit code %d)", cause, code)
    report(cause)
    return code
