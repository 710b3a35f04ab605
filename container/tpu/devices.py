"""The TPUs that a pod was given, by their device nodes."""

from __future__ import annotations

from pathlib import Path
from typing import List


def visible_devices(folder: Path) -> List[int]:
    """Return the numbers of the TPUs in `folder`.

    PCIe cards are bm-sophonN, a SoC is bm-tpu0 (sophgo/libsophon bmlib/src/bmlib_runtime.cpp).
    """
    for prefix in ("bm-sophon", "bm-tpu"):
        names = (path.name[len(prefix) :] for path in folder.glob(f"{prefix}*"))
        numbers = sorted(int(number) for number in names if number.isdigit())
        if numbers:
            return numbers
    return []
