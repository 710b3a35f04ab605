"""Whether every shard that a model's index names is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Set

from pod.exit_codes import BAD_MANIFEST, Fault

WEIGHTS = (".bin", ".safetensors")


def check(tree: Path, paths: Set[str]) -> None:
    """Check `*.index.json` files, whose `weight_map` names the shard of each weight, as transformers has it.

    A repository may hold its weights in two forms, each with an index, of which one is fetched; the other's
    index is then passed over. `Fault` BAD_MANIFEST names the first shard that is not among `paths`: a
    pattern dropped it, or the source lacks it.
    """
    has_weights = any(path.endswith(WEIGHTS) for path in paths)
    for path in sorted(paths):
        if not path.endswith(".index.json"):
            continue
        folder = path.rpartition("/")[0]
        needed = {f"{folder}/{shard}" if folder else shard for shard in _shards(tree / path)}
        missing = sorted(needed - paths)
        if missing and not (has_weights and needed.isdisjoint(paths)):
            raise Fault(
                BAD_MANIFEST, f"{path} needs {missing[0]}, which was not fetched; choose both or neither"
            )


def _shards(index: Path) -> Set[str]:
    try:
        shards = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
    return {shard for shard in shards if isinstance(shard, str)}
