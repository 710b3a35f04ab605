"""One connection's work: spans of files, chunk by chunk, through every fault that another try can heal."""

from __future__ import annotations

import os
import time
import zlib
from typing import Optional

from artifacts.storage import fault as storage_fault
from fetch.plan import Plan, Span
from fetch.rate import RateLimit
from fetch.remote import Body, Source
from fetch.retry import Retries, Retryable
from pod.exit_codes import BAD_MANIFEST, Fault

READ_BYTES = 128 * 1024


class Download:
    """Fetches spans of `plan` from `source` until all is over; `run` is the body of a thread."""

    def __init__(
        self, plan: Plan, source: Source, retries: Retries, limit: RateLimit, connections: int, stall: float
    ) -> None:
        self._plan = plan
        self._source = source
        self._retries = retries
        self._limit = limit
        self._piece = limit.piece(READ_BYTES, connections)
        self._slowest = limit.slowest(connections)
        self._stall = stall
        self._rate = 0.0

    def run(self) -> None:
        """Fetch spans until there are none; what cannot be healed ends the plan."""
        while True:
            span = self._plan.claim(self._rate)
            if span is None:
                return
            try:
                self._fetch(span)
            except Fault as error:
                self._plan.fail(error)
            except OSError as error:
                self._plan.fail(storage_fault(error, span.file.path))
            finally:
                self._plan.release(span)

    def _fetch(self, span: Span) -> None:
        """Bring the whole span, reconnecting where a connection broke."""
        writing = _Writing(self._plan, span)
        failed = 0
        try:
            while not writing.finished and not self._plan.stale(span):
                before = writing.received
                try:
                    self._connect(span, writing)
                except Retryable as error:
                    failed = 1 if writing.received > before else failed + 1
                    if failed >= self._retries.tries:
                        raise self._retries.exhausted(error) from error
                    self._plan.stop.wait(self._retries.pause(failed, error))
        finally:
            writing.close()

    def _connect(self, span: Span, writing: _Writing) -> None:
        body = self._open(span, writing.position)
        if body is None:
            return
        try:
            writing.seek(body.start)
            self._copy(span, body, writing)
        finally:
            body.close()

    def _open(self, span: Span, position: int) -> Optional[Body]:
        """Open the span at `position`; None if the work has to be planned anew."""
        file = span.file
        body = self._source.open(file.remote, position, span.end)
        whole = span.first == 0 and span.last == file.count - 1
        if body.total is not None and body.total != file.size:
            cause = f"{file.remote.path} has {body.total} bytes at the server, {file.size} in the manifest"
        elif body.start != position and not (whole and body.start == 0) and body.ranged:
            cause = f"{file.remote.path}: asked for bytes from {position}, the server sends from {body.start}"
        elif not body.ranged and not whole:
            self._plan.stream_only(span)
            cause = ""
        elif self._plan.check_validator(span, body.validator):
            return body
        else:
            cause = ""
        body.close()
        if cause:
            raise Retryable(cause, code=BAD_MANIFEST)
        return None

    def _copy(self, span: Span, body: Body, writing: _Writing) -> None:
        started = window = time.monotonic()
        received = in_window = 0
        while not writing.finished and not self._plan.stale(span):
            data = body.read(min(self._piece, span.end - writing.position))
            if not data:
                path, position = span.file.remote.path, writing.position
                raise Retryable(f"{path}: the connection closed at byte {position} of {span.file.size}")
            self._limit.take(len(data), self._plan.stop)
            writing.write(data)
            received, in_window = received + len(data), in_window + len(data)
            now = time.monotonic()
            if now - window > self._stall:
                if in_window < self._slowest * self._stall:
                    raise Retryable(
                        f"{span.file.remote.path}: only {in_window} bytes in {now - window:.0f} s"
                    )
                window, in_window = now, 0
        self._rate = received / max(time.monotonic() - started, 1e-3)


class _Writing:
    """The place in the file where a span's next bytes go; `received` counts those that brought it forward."""

    def __init__(self, plan: Plan, span: Span) -> None:
        self._plan = plan
        self._span = span
        self._descriptor = os.open(str(span.file.path), os.O_WRONLY)
        self._chunk = span.first
        self._crc = 0
        self._partial = 0
        self.received = 0
        self.position = span.file.extent(span.first)[0]

    @property
    def finished(self) -> bool:
        return self.position >= self._span.end

    def seek(self, position: int) -> None:
        """Go to `position`: where it already is, or the start of the file if the server begins anew."""
        if self.position == position:
            return
        self._forget()
        self.position = position
        self._chunk = position // self._span.file.chunk_size
        self._crc = 0

    def write(self, data: bytes) -> None:
        """Write `data`, recording each chunk that it completes."""
        view = memoryview(data)
        while view:
            end = self._span.file.extent(self._chunk)[1]
            part = view[: end - self.position]
            self._put(part)
            view = view[len(part) :]
            if self.position == end:
                self._plan.record(self._span, self._chunk, self._crc)
                self._chunk, self._crc, self._partial = self._chunk + 1, 0, 0

    def close(self) -> None:
        self._forget()
        os.close(self._descriptor)

    def _put(self, part: memoryview) -> None:
        if self._chunk not in self._span.file.crcs and not self._plan.stale(self._span):
            _write_all(self._descriptor, part, self.position)
            self._crc = zlib.crc32(part, self._crc)
            self._partial += len(part)
            self.received += len(part)
            self._plan.received(len(part))
        self.position += len(part)

    def _forget(self) -> None:
        """Take back from the progress the bytes of a chunk that was not completed."""
        self._plan.received(-self._partial)
        self._partial = 0


def _write_all(descriptor: int, data: memoryview, position: int) -> None:
    while data:
        count = os.pwrite(descriptor, data, position)
        data, position = data[count:], position + count
