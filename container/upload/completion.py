"""The end of a multipart upload, also where another try or another pod came first."""

from __future__ import annotations

import logging

from pod.exit_codes import TRANSIENT, Fault
from upload.bucket import Bucket
from upload.object_state import ObjectState
from upload.plan import Plan
from upload.replies import VANISHED, Refused

log = logging.getLogger("upload_artifact")


def complete(bucket: Bucket, plan: Plan, state: ObjectState) -> None:
    """Make the parts an object."""
    try:
        bucket.complete(state.key, state.upload, state.etags)
    except Refused as refused:
        gone(bucket, plan, state, refused)
        return
    if state.resumed:
        _check(bucket, state)
    finish(bucket, plan, state)


def gone(bucket: Bucket, plan: Plan, state: ObjectState, refused: Refused) -> None:
    """Take an upload that vanished for done if its object is there; `Fault` otherwise.

    It vanishes when an answer to its completion got lost, when another pod completed the same file, or when
    a rule of the bucket removes unfinished uploads.
    """
    if refused.reason not in VANISHED:
        raise refused
    if not bucket.has(state.key, state.file.size, state.sha256):
        raise Fault(
            TRANSIENT,
            f"{refused}; the unfinished upload of {state.file.path} was removed at the store, "
            "another start sends it again",
        ) from refused
    finish(bucket, plan, state)


def finish(bucket: Bucket, plan: Plan, state: ObjectState, kept: bool = False) -> None:
    """Note that the object is there, `kept` from an earlier try; remove what unfinished tries left of it."""
    for upload in bucket.uploads(state.key) if state.multipart else ():
        _remove(bucket, state.key, upload)
    plan.finish(state, kept)


def _check(bucket: Bucket, state: ObjectState) -> None:
    """Remove an object with a wrong digest in its metadata, before anybody trusts that; `Fault` if it was so.

    The upload was begun for other content of the same name and size that begins with the same bytes.
    """
    if bucket.has(state.key, state.file.size, state.sha256):
        return
    bucket.delete(state.key)
    raise Fault(
        TRANSIENT,
        f"the unfinished upload of {state.file.path} at the store was of other content: it was removed, "
        "another start sends the file again",
    )


def _remove(bucket: Bucket, key: str, upload: str) -> None:
    """Remove parts that nobody needs, which would cost money; that it fails is no reason to fail."""
    try:
        bucket.abort(key, upload)
    except Fault as fault:
        if not (isinstance(fault, Refused) and fault.status == 404):
            log.warning("parts of an earlier upload stay at the store: %s", fault)
