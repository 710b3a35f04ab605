"""Sharded parameters joined by MindSpore, along the strategy files of the run that sharded them."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any, Dict, List

from checkpoints import mindspore_file
from checkpoints.optimizer_state import model_names
from checkpoints.run_folder import Ranks
from checkpoints.vendor import member, package
from pod.exit_codes import BAD_ARTIFACT, Fault

log = logging.getLogger(__name__)

PREFIX = "merged"


def merged(files: Ranks, layouts: List[Path], work: Path) -> Dict[str, Any]:
    """Return the whole parameters of the model in `files`; `work` holds copies, the sources are only read.

    The optimizer's state is left out before the join: it would be two thirds of the memory.
    """
    mindspore = package("mindspore")
    transform = member(mindspore, "transform_checkpoints")
    source, target = work / "source", work / "target"
    for rank, path in sorted(files.items()):
        _strip(path, source / f"rank_{rank}" / f"{PREFIX}_rank_{rank}.ckpt")
    strategy = _strategy(layouts, work)
    try:
        transform(str(source), str(target), PREFIX, str(strategy), None)
    except (ValueError, TypeError, KeyError, OSError) as error:
        names = ", ".join(path.name for path in layouts[:3])
        raise Fault(
            BAD_ARTIFACT,
            f"MindSpore cannot join the {len(files)} shards with the strategy {names}: {error}",
        ) from error
    return mindspore_file.load(target / "rank_0" / f"{PREFIX}0.ckpt")


def _strip(path: Path, target: Path) -> None:
    """Put `path` at `target`: a link if it is the model alone, else a copy without the optimizer's state."""
    target.parent.mkdir(parents=True)
    loaded = mindspore_file.load(path)
    own = model_names(loaded)
    if not own:
        raise Fault(BAD_ARTIFACT, f"{path} has {len(loaded)} parameters, and none is the model's")
    if len(own) == len(loaded):
        target.symlink_to(path.resolve())
        return
    log.info("%s: %d of %d parameters are the model's", path.name, len(own), len(loaded))
    mindspore_file.save_loaded(target, {name: loaded[name] for name in own})


def _strategy(layouts: List[Path], work: Path) -> Path:
    """Return one strategy file for all ranks, made in `work`: the folder of the run may be read-only."""
    if len(layouts) == 1:
        return layouts[0]
    merge = member(package("mindspore"), "merge_pipeline_strategys")
    folder = work / "strategies"
    folder.mkdir()
    for path in layouts:
        shutil.copyfile(str(path), str(folder / path.name))
    joined = work / "strategy.ckpt"
    merge(str(folder), str(joined))
    return joined
