"""Faults that another try may heal, and how long to wait before it."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import Callable, TypeVar

from pod.exit_codes import TRANSIENT, Fault

LONGEST_SECONDS = 60.0

Result = TypeVar("Result")


class Retryable(Exception):  # noqa: N818 (what it is for, not an error of ours)
    """A failed attempt.

    `code` is the exit code once no tries are left; `wait` the seconds that the server asked to wait
    (Retry-After).
    """

    def __init__(self, message: str, code: int = TRANSIENT, wait: float = 0.0) -> None:
        super().__init__(message)
        self.code = code
        self.wait = wait


@dataclass(frozen=True)
class Retries:
    """`tries` attempts without progress, `first` seconds after the first, doubled each time, at most 60."""

    tries: int = 8
    first: float = 1.0

    def pause(self, failed: int, error: Retryable) -> float:
        """Return the seconds to wait after `failed` attempts: jittered, at least what the server asked."""
        longest = min(LONGEST_SECONDS, self.first * 2 ** (failed - 1))
        return max(error.wait, random.uniform(longest / 2, longest))  # noqa: S311 (jitter is no secret)

    def exhausted(self, error: Retryable) -> Fault:
        """Return the fault that ends the tries."""
        return Fault(error.code, f"{error} ({self.tries} tries without progress)")


def attempt(action: Callable[[], Result], retries: Retries, stop: threading.Event) -> Result:
    """Return what `action` returns, trying again after each `Retryable`; `Fault` when none are left."""
    failed = 0
    while True:
        try:
            return action()
        except Retryable as error:
            failed += 1
            if failed >= retries.tries or stop.is_set():
                raise retries.exhausted(error) from error
            stop.wait(retries.pause(failed, error))
