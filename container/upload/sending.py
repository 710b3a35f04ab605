"""One connection's work: parts and small files, one after the other."""

from __future__ import annotations

import threading

from fetch.rate import RateLimit
from upload.bucket import Bucket
from upload.completion import complete, gone
from upload.object_state import ObjectState
from upload.payload import Payload
from upload.plan import Plan
from upload.replies import Refused


class Sending:
    """Sends parts of `plan` until all is over; `run` is the body of a thread."""

    def __init__(
        self, plan: Plan, bucket: Bucket, limit: RateLimit, connections: int, stop: threading.Event
    ) -> None:
        self._plan = plan
        self._bucket = bucket
        self._limit = limit
        self._connections = connections
        self._stop = stop

    def run(self) -> None:
        """Send parts; what goes wrong ends the plan."""
        try:
            part = self._plan.next_part()
            while part is not None:
                self._send(*part)
                part = self._plan.next_part()
        except BaseException as error:
            self._plan.fail(error)

    def _send(self, state: ObjectState, number: int) -> None:
        if state.finished:
            return
        payload = Payload(
            state.span(number),
            self._limit,
            self._connections,
            lambda size: self._plan.moved(state, size),
            self._stop,
        )
        if not state.multipart:
            self._bucket.put(state.key, payload, state.sha256)
            self._plan.finish(state)
            return
        try:
            etag = self._bucket.put_part(state.key, state.upload, number, payload, state.digests[number])
        except Refused as refused:
            gone(self._bucket, self._plan, state, refused)
            return
        if self._plan.sent(state, number, etag):
            complete(self._bucket, self._plan, state)
