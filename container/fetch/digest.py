"""Digests that keep up with the download: each file is read back behind the front of finished chunks."""

from __future__ import annotations

import os
import zlib
from typing import Optional

from artifacts.storage import fault as storage_fault
from fetch.file_state import UNKNOWN_CRC, FileState
from fetch.plan import Plan

READ_BYTES = 1 << 20
SYNC_BYTES = 256 * 1024 * 1024
"""Data is pushed to the disk this often, so that a stop never waits for gigabytes to be flushed."""


def compute(plan: Plan, label: str) -> None:
    """Hash files of `plan` until all is over; the body of a thread. `label` names the source in errors."""
    buffer = memoryview(bytearray(READ_BYTES))
    while True:
        file = plan.next_to_hash()
        if file is None:
            return
        try:
            _advance(plan, file, buffer, label)
        except OSError as error:
            plan.fail(storage_fault(error, file.path))
        finally:
            plan.hashed(file)


def _advance(plan: Plan, file: FileState, buffer: memoryview, label: str) -> None:
    epoch = file.epoch
    descriptor = os.open(str(file.path), os.O_RDONLY)
    try:
        while file.hashed in file.crcs and not plan.stop.is_set():
            if not _add_chunk(plan, file, epoch, descriptor, buffer):
                return
        if file.hashed == file.count and epoch == file.epoch and not plan.stop.is_set():
            os.fsync(descriptor)
            _judge(plan, file, label)
    finally:
        os.close(descriptor)


def _add_chunk(plan: Plan, file: FileState, epoch: int, descriptor: int, buffer: memoryview) -> bool:
    """Hash the next chunk; False if the file began again or the chunk is not what was written."""
    chunk = file.hashed
    start, end = file.extent(chunk)
    if _doubtful(file, chunk) and _crc(descriptor, start, end, buffer) != file.crcs.get(chunk):
        plan.lost(file, chunk, epoch)
        return False
    position = start
    while position < end:
        count = os.preadv(descriptor, [buffer[: end - position]], position)
        if count == 0:
            plan.lost(file, chunk, epoch)
            return False
        file.digest.update(buffer[:count])
        if file.blob_digest is not None:
            file.blob_digest.update(buffer[:count])
        position += count
    if epoch != file.epoch:
        return False
    file.hashed += 1
    if start // SYNC_BYTES != end // SYNC_BYTES:
        os.fdatasync(descriptor)
    return True


def _doubtful(file: FileState, chunk: int) -> bool:
    """Whether what is on the disk may differ from what was recorded, without the file's digest telling.

    A chunk may be from before a power cut; a file that began anew may have been hit by a late write of old
    bytes.
    """
    known = file.crcs.get(chunk) != UNKNOWN_CRC
    return known and (chunk in file.suspect or file.epoch > 0 or not file.remote.has_digest)


def _crc(descriptor: int, start: int, end: int, buffer: memoryview) -> Optional[int]:
    crc = 0
    while start < end:
        count = os.preadv(descriptor, [buffer[: end - start]], start)
        if count == 0:
            return None
        crc = zlib.crc32(buffer[:count], crc)
        start += count
    return crc


def _judge(plan: Plan, file: FileState, label: str) -> None:
    sha256 = file.digest.hexdigest()
    blob = file.blob_digest.hexdigest() if file.blob_digest is not None else None
    if file.remote.sha256 not in (None, sha256):
        plan.wrong(file, f"sha256 {sha256}", label)
    elif blob != file.remote.git_blob:
        plan.wrong(file, f"git blob {blob}", label)
    else:
        plan.verified(file, sha256)
