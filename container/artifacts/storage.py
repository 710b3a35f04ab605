"""What an operating system error on the volume means to whoever runs the pod."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from pod.exit_codes import NO_SPACE, READ_ONLY, TRANSIENT, Fault

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `Fault` that names `path`, the cause and what to do."""
    try:
        yield
    except OSError as error:
        raise fault(error, path) from error


def fault(error: OSError, path: Path) -> Fault:
    """Return what `error` means: no space or a read-only volume are permanent, the rest is worth a try."""
    cause = error.strerror or str(error)
    if error.errno in _FULL:
        return Fault(NO_SPACE, f"cannot write {path}: {cause}; make the volume larger or prune artifacts")
    if error.errno in _CLOSED:
        return Fault(
            READ_ONLY,
            f"cannot write {path}: {cause}; mount the volume read-write for this pod, "
            "with an fsGroup or a mode that lets its user write",
        )
    return Fault(TRANSIENT, f"cannot use {path}: {cause}")
