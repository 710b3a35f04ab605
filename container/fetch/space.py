"""Whether the volume can hold what is still to come, before a byte of it is fetched."""

from __future__ import annotations

import os
from pathlib import Path

from pod.amounts import size
from pod.exit_codes import NO_SPACE, Fault

RESERVE_BYTES = 4 * 1024 * 1024
"""For the journal, the marker and the directories."""


def check(directory: Path, needed: int) -> None:
    """Check that `needed` more bytes fit the volume of `directory`; `Fault` NO_SPACE says what is missing."""
    free = available(directory)
    missing = needed + RESERVE_BYTES - free
    if needed > 0 and missing > 0:
        raise Fault(
            NO_SPACE,
            f"the volume of {directory} has {size(free)} free but {size(needed)} are still to come: "
            f"{size(missing)} ({missing} bytes) are missing; make the volume larger or prune artifacts",
        )


def available(directory: Path) -> int:
    """Return the bytes that this user may still write to the volume of `directory`."""
    volume = os.statvfs(str(directory))
    return volume.f_bavail * volume.f_frsize
