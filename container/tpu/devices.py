"""The TPUs that a pod was given, by their device nodes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import List

CHOSEN = "SOPHON_DEVICES"
"""Numbers separated by commas, for privileged containers, which see all devices of the node."""


def visible_devices(folder: Path) -> List[int]:
    """Return the numbers of the TPUs in `folder`, or those that the environment chooses.

    PCIe cards are bm-sophonN, a SoC is bm-tpu0 (sophgo/libsophon bmlib/src/bmlib_runtime.cpp).
    """
    chosen = os.environ.get(CHOSEN, "")
    if chosen:
        return [int(number) for number in chosen.split(",") if number.isdigit()]
    for prefix in ("bm-sophon", "bm-tpu"):
        names = (path.name[len(prefix) :] for path in folder.glob(f"{prefix}*"))
        numbers = sorted(int(number) for number in names if number.isdigit())
        if numbers:
            return numbers
    return []
