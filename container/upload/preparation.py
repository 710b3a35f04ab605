"""Files looked up at the store, read and hashed, and given out part by part."""

from __future__ import annotations

import hashlib
import threading
from typing import Any, Optional

from pod.exit_codes import BAD_ARTIFACT, TERMINATED, Fault
from upload.bucket import Bucket
from upload.completion import complete, finish
from upload.multipart import Parts
from upload.object_state import ObjectState
from upload.plan import Plan

READ_BYTES = 1 << 20


class Preparation:
    """Takes files of `plan` until none is left; `run` is the body of a thread.

    A file whose digest the marker knows is sent while it is read; another is read first, because the digest
    goes into the object's metadata, which the store wants before the content.
    """

    def __init__(self, plan: Plan, bucket: Bucket, stop: threading.Event) -> None:
        self._plan = plan
        self._bucket = bucket
        self._stop = stop

    def run(self) -> None:
        """Prepare files; what goes wrong ends the plan."""
        try:
            state = self._plan.next_object()
            while state is not None:
                self._prepare(state)
                state = self._plan.next_object()
        except BaseException as error:
            self._plan.fail(error)

    def _prepare(self, state: ObjectState) -> None:
        if state.sha256 and self._there(state):
            return
        kept = self._earlier(state) if state.multipart else {}
        known = bool(state.sha256)
        streamed = known and state.multipart and not kept
        if streamed:
            self._begin(state)
        self._hash(state, kept, streamed)
        if not known and self._there(state):
            return
        if not streamed:
            self._resume(state, kept)
            self._begin(state)
            for number in range(1, state.count + 1):
                self._offer(state, number)
        if self._plan.verified(state):
            complete(self._bucket, self._plan, state)

    def _there(self, state: ObjectState) -> bool:
        there = self._bucket.has(state.key, state.file.size, state.sha256)
        if there:
            finish(self._bucket, self._plan, state, kept=True)
        return there

    def _earlier(self, state: ObjectState) -> Parts:
        """Return the parts of the unfinished upload of this object that has most, {} if none has any."""
        most: Parts = {}
        for upload in self._bucket.uploads(state.key):
            parts = self._bucket.parts(state.key, upload)
            if len(parts) > len(most):
                state.upload, most = upload, parts
        return most

    def _resume(self, state: ObjectState, kept: Parts) -> None:
        """Go on with the earlier upload if each of its parts is what this file has, else leave it.

        Names and sizes stay when weights change, so the upload may have been begun for other content, and
        the digest in its metadata, which the store does not tell, be that of the other content.
        """
        if kept and set(state.etags) == set(kept):
            state.resumed = True
            self._plan.keep(state, sum(size for size, _ in kept.values()))
        else:
            state.upload = ""
            state.etags.clear()

    def _begin(self, state: ObjectState) -> None:
        if state.multipart and not state.upload:
            state.upload = self._bucket.begin(state.key, state.sha256)

    def _hash(self, state: ObjectState, kept: Parts, streamed: bool) -> None:
        """Compute the digests; `streamed` parts are given out at once."""
        whole = hashlib.sha256()
        for number in range(1, state.count + 1):
            self._hash_part(state, number, whole, kept)
            if streamed:
                self._offer(state, number)
        found = whole.hexdigest()
        if state.sha256 not in ("", found):
            raise Fault(
                BAD_ARTIFACT,
                f"{state.path} has sha256 {found}, its marker says {state.sha256}: it is damaged; "
                "stop what reads the artifact and remove its directory to have it made again",
            )
        state.sha256 = found

    def _hash_part(self, state: ObjectState, number: int, whole: Any, kept: Parts) -> None:  # noqa: ANN401
        span, part = state.span(number), hashlib.sha256()
        size, etag = kept.get(number, (-1, ""))
        md5 = _md5() if size == span.size else None
        for data in span.blocks(READ_BYTES):
            if self._stop.is_set():
                raise Fault(TERMINATED, "told to stop")
            for digest in (whole, part, md5):
                if digest is not None:
                    digest.update(data)
        state.digests[number] = part.hexdigest()
        if md5 is not None and md5.hexdigest() == etag.strip('"').lower():
            state.etags[number] = etag

    def _offer(self, state: ObjectState, number: int) -> None:
        if number not in state.etags:
            self._plan.offer(state, number)


def _md5() -> Optional[Any]:  # noqa: ANN401
    """Return the digest that is a part's ETag, None where a policy forbids it: parts are then sent again."""
    try:
        return hashlib.md5()  # noqa: S324 (compared with what the store computed, no protection)
    except ValueError:
        return None
