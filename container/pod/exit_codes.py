"""Exit codes that tell Kubernetes whether another try can help.

Permanent faults are 20 to 39: retrying changes nothing. Faults worth another try are 40 to 49.
The workloads' failure policies are rendered from these numbers.
"""

from __future__ import annotations

DONE = 0

USAGE = 20
UNAUTHORISED = 21
NOT_FOUND = 22
CHECKSUM = 23
NO_SPACE = 24
BAD_MANIFEST = 25
UNSAFE_NAME = 26
READ_ONLY = 27
BAD_ARTIFACT = 28
BAD_RANK_TABLE = 29
IMAGE_MISMATCH = 30
BAD_SETTING = 31
LOW_SCORE = 32
"""Measured, and below what was asked for: the same model would score the same again."""

TRANSIENT = 40
DEADLINE = 41
TERMINATED = 42
LEASE_LOST = 43

WAITING = 50
"""An input was not there in time: nothing is wrong with this pod, its turn has not come."""


class Fault(Exception):  # noqa: N818 (a fault of the pod's surroundings, not of the program)
    """A cause that ends the process: `code` is its exit code, the message is for the operator."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_permanent(code: int) -> bool:
    """Whether a process that ended with `code` would end the same way if it were started again."""
    return 20 <= code <= 39
