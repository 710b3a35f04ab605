"""What each rank is told by its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Mapping, Optional

MINDSPORE = "mindspore"
MINDSPORE_CLUSTER = "mindspore-cluster"
TORCH = "torch"
KINDS = (MINDSPORE, MINDSPORE_CLUSTER, TORCH)

_OWNED = (
    *("RANK_ID", "RANK_SIZE", "DEVICE_ID", "RANK_TABLE_FILE"),
    *(
        "MS_ROLE",
        "MS_WORKER_NUM",
        "MS_LOCAL_WORKER",
        "MS_SCHED_HOST",
        "MS_SCHED_PORT",
        "MS_NODE_ID",
        "MS_NODE_RANK",
    ),
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"),
    "MEET_TOKEN",
)
"""Names that are never passed on: job operators set some for the whole pod, where each rank needs its own.

The pods' secret is none of the ranks' business.
"""


@dataclass(frozen=True)
class Place:
    """One rank's place: its number in the job and in the pod, and what its runtime calls its device."""

    rank: int
    local_rank: int
    device_id: int


@dataclass(frozen=True)
class Job:
    """What all ranks of a job share: `table` is the rank table's path, host and port are where they meet."""

    kind: str
    world_size: int
    local_world_size: int
    host: str
    port: int
    table: Optional[str] = None


def rank_env(job: Job, place: Place, pod: Mapping[str, str]) -> Dict[str, str]:
    """Return the environment of the rank at `place`: the pod's with the rank's own values."""
    values = {MINDSPORE: _mindspore, MINDSPORE_CLUSTER: _mindspore_worker, TORCH: _torch}[job.kind](
        job, place
    )
    return {**_passed_on(job, pod), **values}


def scheduler_env(job: Job, pod: Mapping[str, str]) -> Dict[str, str]:
    """Return the environment of MindSpore's scheduler, which has a role but no device and no rank."""
    return {**_passed_on(job, pod), **_cluster(job), "MS_ROLE": "MS_SCHED"}


def _mindspore(job: Job, place: Place) -> Dict[str, str]:
    return {"RANK_ID": str(place.rank), "RANK_SIZE": str(job.world_size), "DEVICE_ID": str(place.device_id)}


def _mindspore_worker(job: Job, place: Place) -> Dict[str, str]:
    return {**_cluster(job), "MS_ROLE": "MS_WORKER", "MS_NODE_ID": str(place.rank)}


def _torch(job: Job, place: Place) -> Dict[str, str]:
    return {
        "RANK": str(place.rank),
        "LOCAL_RANK": str(place.local_rank),
        "WORLD_SIZE": str(job.world_size),
        "LOCAL_WORLD_SIZE": str(job.local_world_size),
        "MASTER_ADDR": job.host,
        "MASTER_PORT": str(job.port),
    }


def _cluster(job: Job) -> Dict[str, str]:
    """Return MindSpore's names of a dynamic cluster.

    From mindspore@0250785a mindspore/python/mindspore/parallel/cluster/process_entity/_api.py.
    """
    return {
        "MS_WORKER_NUM": str(job.world_size),
        "MS_LOCAL_WORKER": str(job.local_world_size),
        "MS_SCHED_HOST": job.host,
        "MS_SCHED_PORT": str(job.port),
    }


def _passed_on(job: Job, pod: Mapping[str, str]) -> Dict[str, str]:
    passed = {name: value for name, value in pod.items() if name not in _OWNED}
    return {**passed, "RANK_TABLE_FILE": job.table} if job.table else passed
