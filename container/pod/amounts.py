"""Bytes and seconds as people read them."""

from __future__ import annotations


def size(count: float) -> str:
    """Return `count` bytes for people: 12.5 GB (powers of 1000, as the hubs show it)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"


def duration(seconds: float) -> str:
    """Return `seconds` for people: 1h02m, 3m05s or 8s."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 60}m{whole % 60:02d}s" if whole >= 60 else f"{whole}s"
