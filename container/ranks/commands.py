"""The processes that a pod starts for a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Mapping, Optional

from ranks.options import Options
from ranks.plan import Plan
from ranks.process import Command
from ranks.rank_env import MINDSPORE_CLUSTER, Job, Place, rank_env, scheduler_env

DRIVER_LOGS = "ASCEND_PROCESS_LOG_PATH"


def commands(options: Options, plan: Plan, scratch: Path, pod: Mapping[str, str]) -> List[Command]:
    """Return this pod's processes, ranks first; the table goes into the folder `scratch`.

    Pods may share that folder, so the table's name has the pod's number.
    """
    name = f"rank_table_{options.node_index}.json"
    table = str(write_table(plan.table, scratch / name)) if plan.table else None
    job = Job(options.rank_env, options.world_size, options.devices, plan.host, plan.port, table)
    only = options.scheduler == "only"
    found = [] if only else [_rank(options, job, place, pod) for place in plan.places]
    if only or (
        options.rank_env == MINDSPORE_CLUSTER
        and options.scheduler == "first-node"
        and options.node_index == 0
    ):
        found.append(_command(options, "scheduler", "scheduler", scheduler_env(job, pod), companion=not only))
    return found


def write_table(text: str, path: Path) -> Path:
    """Write the table whole or not at all and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)
    return path


def _rank(options: Options, job: Job, place: Place, pod: Mapping[str, str]) -> Command:
    return _command(options, f"rank {place.rank}", f"rank_{place.rank}", rank_env(job, place, pod))


def _command(
    options: Options, name: str, file_name: str, env: Dict[str, str], companion: bool = False
) -> Command:
    """Name the folder and log of a process after it.

    Python keeps what it prints in memory when that goes to a pipe, and loses it when it is killed, so that is
    turned off. The driver's own logs go beside ours, unless the pod says where; whether it makes the folder
    itself is nowhere written.
    """
    logs: Optional[Path] = options.log_dir
    driver = logs.resolve() / "ascend" / file_name if logs and DRIVER_LOGS not in env else None
    return Command(
        name=name,
        argv=options.argv,
        env={"PYTHONUNBUFFERED": "1", **({DRIVER_LOGS: str(driver)} if driver else {}), **env},
        work_dir=options.work_dir / file_name if options.work_dir else None,
        log=logs / f"{file_name}.log" if logs else None,
        interactive=options.world_size == 1,
        companion=companion,
        folders=(driver,) if driver else (),
    )
