"""Version numbers as the vendors write them: 2.2.11, 7.0.0.beta1, 8.0.RC2, 23.0.rc3, v5.10.22."""

from __future__ import annotations

import re
from typing import List, Tuple

_STAGES = {"dev": -4, "alpha": -3, "a": -3, "beta": -2, "b": -2, "rc": -1, "t": -1}
_TOKEN = re.compile(r"\d+|[a-z]+")
_COMMUNITY = re.compile(r"\.?(?:alpha|beta)\d*$", re.IGNORECASE)


def at_least(found: str, least: str) -> bool:
    """Whether `found` is `least` or later; a release is later than its release candidates."""
    have, want = _order(found), _order(least)
    length = max(len(have), len(want))
    return _padded(have, length) >= _padded(want, length)


def is_version(found: str, expected: str) -> bool:
    """Whether the installed version `found` is `expected`.

    `2.2.*` is any 2.2; a local part of what is installed (`2.1.0+cpu`) counts only if `expected` has one.
    """
    if expected.endswith(".*"):
        return found == expected[:-2] or found.startswith(expected[:-1])
    return found == expected or ("+" not in expected and found.partition("+")[0] == expected)


def is_cann(found: str, expected: str) -> bool:
    """Whether CANN's file says `found` where the catalogue says `expected`.

    The community edition 7.0.0.beta1 calls itself 7.0.0 there, and 8.0.RC2.beta1 is 8.0.RC2.
    """
    return _COMMUNITY.sub("", found).lower() == _COMMUNITY.sub("", expected).lower()


def _order(version: str) -> List[Tuple[int, int]]:
    """Return the numbers of `version`, each with the stage before a release that it is of."""
    found: List[Tuple[int, int]] = []
    stage = 0
    for token in _TOKEN.findall(version.lower().lstrip("v").partition("+")[0]):
        if token.isdigit():
            found.append((stage, int(token)))
            stage = 0
        else:
            stage = _STAGES.get(token, 0)
    return found


def _padded(order: List[Tuple[int, int]], length: int) -> List[Tuple[int, int]]:
    return order + [(0, 0)] * (length - len(order))
