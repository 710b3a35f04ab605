"""All files of one source onto the disk: threads that fetch, threads that compute digests."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from artifacts.marker import ArtifactFile
from artifacts.storage import storing
from fetch import digest, space, unsized
from fetch.download import Download
from fetch.file_state import UNKNOWN_CRC, FileState
from fetch.journal import Entry
from fetch.options import Options
from fetch.partial import Partial
from fetch.plan import Plan
from fetch.progress import Meter, Moment
from fetch.rate import RateLimit
from fetch.remote import RemoteFile, Source
from pod.exit_codes import TERMINATED, Fault

HASHERS = 2


class Transfer:
    """The transfer of `files` from `source` into `folder` of `partial`.

    `held` says whether the lease is still ours; losing it ends the transfer, because another pod goes on.
    """

    def __init__(self, options: Options, source: Source, partial: Partial, stop: threading.Event) -> None:
        self._options = options
        self._source = source
        self._partial = partial
        self._stop = stop
        self._plan: Optional[Plan] = None
        self._meter = Meter()

    def moment(self) -> Optional[Moment]:
        """Return how far it is; None before it has begun."""
        plan = self._plan
        if plan is None:
            return None
        on_their_way = [file.remote.path for file in plan.unfinished() if file.taken]
        return self._meter.moment(plan.done, plan.total, on_their_way[0] if on_their_way else "")

    def run(
        self, files: Sequence[RemoteFile], folder: Path, held: Callable[[], bool], copies: int = 1
    ) -> List[ArtifactFile]:
        """Return the files with their digests once all are complete; `Fault` says why not.

        `copies` is how many times their bytes have to fit the volume: twice if they are unpacked later.
        """
        options = self._options
        journal = self._partial.resume(files, options.chunk_size, self._source.label, folder)
        try:
            limit = RateLimit(options.rate_limit)
            states = [
                self._prepare(number, entry, folder, journal.chunk_size, limit)
                for number, entry in enumerate(journal.entries)
            ]
            later = (copies - 1) * sum(state.size for state in states)
            space.check(folder, later + sum(state.size - state.bytes_done for state in states))
            for state in states:
                _allocate(state)
            self._plan = Plan(states, journal, options.connections, held)
            self._fetch(self._plan, limit)
        finally:
            journal.close()
        return [ArtifactFile(state.remote.path, state.size, state.sha256) for state in states]

    def _prepare(
        self, number: int, entry: Entry, folder: Path, chunk_size: int, limit: RateLimit
    ) -> FileState:
        """Return the state of a file, whose size is known from here on."""
        path = folder / entry.remote.path
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        if entry.remote.size is not None:
            return FileState(number, entry, path, chunk_size)
        if entry.verified is not None:
            sized = replace(entry.remote, size=entry.verified[1])
            return FileState(number, replace(entry, remote=sized), path, chunk_size)
        size = unsized.fetch(self._source, entry.remote, path, self._options.retries, limit, self._stop)
        state = FileState(number, Entry(replace(entry.remote, size=size)), path, chunk_size)
        state.crcs = dict.fromkeys(range(state.count), UNKNOWN_CRC)
        return state

    def _fetch(self, plan: Plan, limit: RateLimit) -> None:
        options = self._options
        download = [
            Download(
                plan, self._source, options.retries, limit, options.connections, options.stall_timeout
            ).run
            for _ in range(options.connections)
        ]
        threads = [threading.Thread(target=run, daemon=True) for run in download]
        for _ in range(HASHERS):
            hashing = threading.Thread(target=digest.compute, args=(plan, self._source.label), daemon=True)
            threads.append(hashing)
        for thread in threads:
            thread.start()
        while not plan.wait(0.5):
            if self._stop.is_set():
                plan.fail(Fault(TERMINATED, "told to stop"))
        if plan.fault is not None:
            raise plan.fault
        for thread in threads:
            thread.join()


def _allocate(state: FileState) -> None:
    """Give the file its size, without blocks yet: chunks land where they belong in any order."""
    with storing(state.path), state.path.open("ab") as file:
        if not state.complete:
            file.truncate(state.size)
