"""Which devices of the host this pod has.

A container sees its devices as 0..n-1 (the local index), whatever their numbers on the host are; rank tables,
`hccn_tool` and `/dev/davinciN` speak of the host's numbers.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import List, Mapping, Optional, Tuple

from pod.exit_codes import BAD_SETTING, Fault

PLUGIN_LIST = "ASCEND_VISIBLE_DEVICES"
PROCESS_LIST = "ASCEND_RT_VISIBLE_DEVICES"


def host_ids(count: int, env: Mapping[str, str], dev: Path) -> Optional[Tuple[int, ...]]:
    """Return the host's numbers of the pod's `count` devices by local index, or None where nothing tells.

    ASCEND_VISIBLE_DEVICES (set by the device plugin) counts before the `davinciN` files of `dev`, of which a
    privileged pod sees those of other pods too. ASCEND_RT_VISIBLE_DEVICES then picks by local index, in its
    own order. Raises `Fault` (BAD_SETTING) for a list that cannot be read or has fewer than `count` devices.
    """
    found, origin = _present(env, dev)
    picked = env.get(PROCESS_LIST, "").strip()
    if picked:
        found, origin = _pick(found, _parse_list(PROCESS_LIST, picked)), PROCESS_LIST
    if found is None:
        return None
    if len(found) < count:
        numbers = ", ".join(map(str, found)) or "none"
        raise Fault(
            BAD_SETTING,
            f"{count} devices are asked for (--devices), but {origin} has {len(found)}: {numbers};"
            f" request {count} devices for the container, or lower --devices",
        )
    return found[:count]


def _present(env: Mapping[str, str], dev: Path) -> Tuple[Optional[Tuple[int, ...]], str]:
    listed = env.get(PLUGIN_LIST, "").strip()
    if listed and listed != "void":
        return tuple(sorted(_parse_list(PLUGIN_LIST, listed))), PLUGIN_LIST
    files = [re.match(r"davinci(\d+)$", path.name) for path in dev.glob("davinci*")]
    numbers = sorted(int(match.group(1)) for match in files if match)
    return (tuple(numbers) if numbers else None), str(dev)


def _pick(present: Optional[Tuple[int, ...]], places: Tuple[int, ...]) -> Tuple[int, ...]:
    if present is None:
        return places
    beyond = [str(place) for place in places if place >= len(present)]
    if beyond:
        raise Fault(
            BAD_SETTING,
            f"{PROCESS_LIST} names device {', '.join(beyond)}, but the pod has {len(present)}"
            f" and counts them from 0; allowed are 0 to {len(present) - 1}",
        )
    return tuple(present[place] for place in places)


def _parse_list(name: str, text: str) -> Tuple[int, ...]:
    """Read `0,1`, `0-3` or `Ascend910-0,Ascend910-1`, the form that Volcano writes."""
    numbers: List[int] = []
    for item in text.split(","):
        span = re.match(r"\s*(\d+)-(\d+)\s*$", item)
        single = re.match(r"\s*(?:[A-Za-z][\w-]*-)?(\d+)\s*$", item)
        if span:
            numbers += range(int(span.group(1)), int(span.group(2)) + 1)
        elif single:
            numbers.append(int(single.group(1)))
        else:
            raise Fault(
                BAD_SETTING, f"{name} is {text!r}, but must be like 0,1 or 0-3 or Ascend910-0,Ascend910-1"
            )
    if len(set(numbers)) != len(numbers):
        raise Fault(BAD_SETTING, f"{name} is {text!r}, but must name each device once")
    return tuple(numbers)
