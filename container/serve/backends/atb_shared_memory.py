"""What ATB's ranks of one pod meet in when they first compute together: memory under a name, and its lock.

The lock is a semaphore in /dev/shm. A rank that is killed while it holds it leaves it locked, and /dev/shm
outlives a container that is started again in its pod: each rank of the next start would wait 300 seconds for
it (`ShareMemory` of MindKernelInfra; the name is in hicann/ascend-transformer-boost@ddcc8b62
src/atb/runner/hccl_runner.cpp, and include/atb/infer_op_params.h asks to remove what such an end left).
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import MutableMapping

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
_SUFFIX = "ATB_SHARE_MEMORY_NAME_SUFFIX"
_LOCKS = "sem.hcclShareMem*"


def use_own_name(env: MutableMapping[str, str]) -> None:
    """Let the name end with the port of this start, which all its ranks know and the last had not."""
    env[_SUFFIX] = f"{env.get(_SUFFIX, '')}-{env.get('MASTER_PORT', '0')}"


def remove_locks(folder: Path = SHARED_MEMORY) -> None:
    """Remove the locks that earlier starts left, for an ATB without suffix; before any rank computes."""
    for path in folder.glob(_LOCKS):
        with contextlib.suppress(OSError):  # another user's, where no pod has the folder for itself
            path.unlink()
