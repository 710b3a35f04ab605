"""Who fetches what next: the shared state of the connections and of the threads that compute digests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence

from fetch.file_state import FileState
from fetch.journal import Journal
from pod.exit_codes import BAD_MANIFEST, CHECKSUM, LEASE_LOST, Fault

LONGEST_SPAN = 128 * 1024 * 1024
"""Bytes of one request: long enough that its latency vanishes, short enough for digests to keep up."""

SPAN_SECONDS = 5.0
FIRST_SPAN = 16 * 1024 * 1024
"""Bytes of a connection's first request, while its rate is not known."""

MOST_CHANGES = 3


@dataclass(frozen=True)
class Span:
    """Neighbouring chunks of one file that one connection fetches with one request."""

    file: FileState
    first: int
    last: int
    epoch: int

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.file.extent(self.last)[1]


class Plan:
    """All files, under one lock. Losing the lease, which `held` tells, ends it: another pod goes on."""

    def __init__(
        self, files: Sequence[FileState], journal: Journal, connections: int, held: Callable[[], bool]
    ) -> None:
        self.files = list(files)
        self.total = sum(file.size for file in self.files)
        self.fetched = 0
        self.fault: Optional[Fault] = None
        self.stop = threading.Event()
        self._journal = journal
        self._connections = connections
        self._held = held
        self._kept = sum(file.bytes_done for file in self.files)
        self._wake = threading.Condition()

    @property
    def done(self) -> int:
        """Bytes that are there, counting those of earlier processes."""
        return min(self.total, self._kept + self.fetched)

    @property
    def over(self) -> bool:
        """Whether nothing is left to do, or something ended it all."""
        return self.stop.is_set() or all(file.complete for file in self.files)

    def received(self, count: int) -> None:
        """Count bytes that arrived, for the progress."""
        with self._wake:
            self.fetched += count

    def claim(self, rate: float) -> Optional[Span]:
        """Return the next span for a connection that last had `rate` bytes a second; None when all is over.

        Waits while everything is taken: a span may come back, or a digest may send a file round again.
        """
        with self._wake:
            while not self.over and self._check_lease():
                span = self._take(rate)
                if span is not None:
                    return span
                self._wake.wait(1.0)
            return None

    def stale(self, span: Span) -> bool:
        """Whether the work on `span` counts no more."""
        return self.stop.is_set() or span.epoch != span.file.epoch or not self._held()

    def record(self, span: Span, chunk: int, crc: int) -> bool:
        """Note that `chunk` of `span` is written; False if it counts no more."""
        with self._wake:
            if self.stale(span):
                return False
            if chunk not in span.file.crcs:
                self._journal.chunk(span.file.index, chunk, crc)
                span.file.crcs[chunk] = crc
            span.file.taken.discard(chunk)
            self._wake.notify_all()
            return True

    def release(self, span: Span) -> None:
        """Give back what is left of `span`."""
        with self._wake:
            left = span.file.taken.intersection(range(span.first, span.last + 1))
            if left and span.epoch == span.file.epoch:
                span.file.taken -= left
                span.file.next_free = min(span.file.next_free, *left)
            self._wake.notify_all()

    def stream_only(self, span: Span) -> None:
        """Note that the server of `span` ignores ranges."""
        with self._wake:
            if span.epoch == span.file.epoch and span.file.ranged:
                span.file.stream_only()
            self._wake.notify_all()

    def check_validator(self, span: Span, value: str) -> bool:
        """Compare the server's tag with the one that the file began with; False if it has to begin again.

        Only for files without a digest: for the others the digest decides, and several servers behind one
        name may well tag one content differently.
        """
        file = span.file
        with self._wake:
            if file.remote.has_digest or not value or span.epoch != file.epoch or file.validator == value:
                return True
            if not file.validator:
                file.validator = value
                self._journal.validator(file.index, value)
                return True
            file.changes += 1
            if file.changes > MOST_CHANGES:
                self._fail(Fault(BAD_MANIFEST, f"{file.remote.path} changes on the server again and again"))
            self._restart(file)
            return False

    def next_to_hash(self) -> Optional[FileState]:
        """Return a file whose front is past its digest, for this thread alone; None when all is over."""
        with self._wake:
            while not self.over:
                for file in self.files:
                    if not file.hashing and not file.complete and _ready(file):
                        file.hashing = True
                        return file
                self._wake.wait(1.0)
            return None

    def hashed(self, file: FileState) -> None:
        """End what `next_to_hash` began."""
        with self._wake:
            file.hashing = False
            self._wake.notify_all()

    def lost(self, file: FileState, chunk: int, epoch: int) -> None:
        """Note that `chunk` is not on the disk as the journal says: it is fetched again."""
        with self._wake:
            if epoch == file.epoch:
                start, end = file.extent(chunk)
                self.fetched -= end - start
                file.forget(chunk)
            self._wake.notify_all()

    def verified(self, file: FileState, sha256: str) -> None:
        """Note that `file` is complete, synced and right."""
        self._journal.verified(file.index, sha256, file.size)
        with self._wake:
            file.sha256 = sha256
            self._wake.notify_all()

    def wrong(self, file: FileState, found: str, label: str) -> None:
        """Note that `file` has not the promised digest: once more from the start, then `Fault` CHECKSUM."""
        with self._wake:
            file.mismatches += 1
            if file.mismatches > 1:
                expected = file.remote.sha256 or f"git blob {file.remote.git_blob}"
                cause = f"{file.remote.path} from {label} was wrong twice: {found}, expected {expected}"
                self._fail(
                    Fault(CHECKSUM, f"{cause}; the source is damaged or the pinned digest is not its own")
                )
            self._restart(file)

    def fail(self, fault: Fault) -> None:
        """End everything because of `fault`; the first one counts."""
        with self._wake:
            self._fail(fault)

    def wait(self, seconds: float) -> bool:
        """Wait until all is over, at most `seconds`; whether it is."""
        with self._wake:
            self._wake.wait_for(lambda: self.over, seconds)
            return self.over or not self._check_lease()

    def unfinished(self) -> List[FileState]:
        """Return the files that are not complete."""
        return [file for file in self.files if not file.complete]

    def _take(self, rate: float) -> Optional[Span]:
        for file in self.files:
            if file.complete:
                continue
            run = file.free_run(self._length(file, rate))
            if run:
                file.taken.update(run)
                return Span(file, run[0], run[-1], file.epoch)
        return None

    def _length(self, file: FileState, rate: float) -> int:
        """Return how many chunks to ask for: a few seconds' worth, near the end a fair share of the rest."""
        free = sum(item.free_bytes for item in self.files if not item.complete)
        wanted = min(LONGEST_SPAN, max(rate * SPAN_SECONDS, FIRST_SPAN), free / self._connections)
        return max(1, int(wanted) // file.chunk_size)

    def _check_lease(self) -> bool:
        if not self._held():
            self._fail(Fault(LEASE_LOST, "another pod took over"))
        return self._held()

    def _restart(self, file: FileState) -> None:
        self.fetched -= sum(end - start for start, end in map(file.extent, file.crcs))
        file.restart()
        self._journal.drop(file.index)
        self._wake.notify_all()

    def _fail(self, fault: Fault) -> None:
        self.fault = self.fault or fault
        self.stop.set()
        self._wake.notify_all()


def _ready(file: FileState) -> bool:
    return file.hashed in file.crcs or file.hashed == file.count
