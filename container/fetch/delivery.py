"""From options to a finished artifact: once, whoever else wants it, from the first source that has it."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import List, Optional, Sequence

from artifacts import marker
from artifacts.lease import Lease, LeaseState
from artifacts.marker import ArtifactFile, Marker
from artifacts.storage import storing
from fetch import completeness, first_use, verify
from fetch.connections import Connections
from fetch.http import Client
from fetch.options import Options
from fetch.partial import Partial
from fetch.patterns import select
from fetch.progress import Moment
from fetch.remote import RemoteFile, Source
from fetch.retry import attempt
from fetch.sources.archive import Archive
from fetch.sources.catalogue import parse
from fetch.transfer import Transfer
from fetch.watched import Work
from pod.amounts import size
from pod.exit_codes import (
    BAD_ARTIFACT,
    DEADLINE,
    DONE,
    LEASE_LOST,
    NO_SPACE,
    READ_ONLY,
    TERMINATED,
    TRANSIENT,
    Fault,
    is_permanent,
)

log = logging.getLogger("fetch_weights")

_OURS = (NO_SPACE, READ_ONLY, LEASE_LOST, TERMINATED, DEADLINE)
"""Faults of this pod and its volume, which no other source would heal."""


class Delivery(Work):
    """One run of the script; `run` may be stopped from another thread."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._connections = Connections(options.stall_timeout, options.ca_bundle)
        client = Client(self._connections)
        self._sources = [parse(text, client) for text in options.sources]
        self._partial = Partial(options.target)
        self._stop = threading.Event()
        self._transfer: Optional[Transfer] = None
        self._said = float("-inf")
        self._lease = Lease(
            options.target, socket.gethostname(), options.lease_heartbeat, options.lease_takeover
        )

    def run(self) -> int:
        """Bring the artifact, or wait until another pod has brought it; `Fault` says why it is not there."""
        if self._ready():
            return DONE
        with storing(self._options.target):
            self._options.target.parent.mkdir(parents=True, exist_ok=True)
            held = self._lease.acquire(self._waiting, lambda: self._stop.is_set() or self._exists())
        try:
            if self._ready():
                self._lease.release(finished=True)
                return DONE
            if self._stop.is_set():
                raise Fault(TERMINATED, "told to stop")
            if not held:
                raise Fault(TRANSIENT, f"{self._options.target} was there and vanished again: try anew")
            self._deliver()
            self._lease.release(finished=True)
            return DONE
        finally:
            self._lease.release()

    def stop(self) -> None:
        """End everything soon: blocked reads are cut."""
        self._stop.set()
        self._connections.cut()

    def moment(self) -> Optional[Moment]:
        """Return how far the download is, None if there is none; those who wait get to see it too."""
        moment = self._transfer.moment() if self._transfer else None
        if moment is not None:
            self._lease.note(moment.line())
        return moment

    def _exists(self) -> bool:
        return marker.read(self._options.target) is not None

    def _ready(self) -> bool:
        """Whether the target is complete; `Fault` BAD_ARTIFACT if it claims to be and is not."""
        options = self._options
        made = marker.read(options.target)
        if made is None:
            return False
        problem = marker.missing(options.target, made)
        if made.lineage != options.lineage:
            problem = f"its lineage is {made.lineage}, not {options.lineage}"
        if problem is None and options.verify:
            log.info("checking every digest of %s", options.target)
            problem = verify.damaged(options.target, made, self._stop)
        if problem is not None:
            raise Fault(
                BAD_ARTIFACT,
                f"{options.target} is not what its marker says: {problem}; "
                "stop what reads it and remove the directory to have it fetched again",
            )
        total = sum(file.size for file in made.files)
        checked = ", every digest checked" if options.verify else ""
        log.info("%s is complete: %d files, %s%s", options.target, len(made.files), size(total), checked)
        return True

    def _waiting(self, state: LeaseState) -> None:
        if time.monotonic() - self._said >= self._options.progress_interval:
            self._said = time.monotonic()
            note = state.note or "no progress yet"
            log.info("waiting: %s is being fetched by %s: %s", self._options.target, state.holder, note)

    def _deliver(self) -> None:
        self._partial.check_target()
        if marker.read(self._partial.tree) is not None:
            self._partial.finish()
            log.info("%s was complete but for its name: done", self._options.target)
            return
        faults: List[Fault] = []
        for source in self._sources:
            try:
                self._from(source)
                return
            except Fault as fault:
                self._check_lease(fault)
                if fault.code in _OURS or self._stop.is_set():
                    raise
                log.warning("%s: %s", source.label, fault)
                faults.append(fault)
        raise _all_failed(faults, self._sources)

    def _from(self, source: Source) -> None:
        options = self._options
        files = attempt(source.files, options.retries, self._stop)
        self._transfer = Transfer(options, source, self._partial, self._stop)
        if isinstance(source, Archive):
            fetched = self._transfer.run(files, self._partial.archive, self._held, copies=2)
            finished = self._unpacked(source, fetched[0])
        else:
            chosen = select(files, options.include, options.exclude, options.require, source.label)
            log.info("fetching %d files, %s, from %s", len(chosen), _amount(chosen), source.label)
            finished = self._transfer.run(chosen, self._partial.tree, self._held)
        if options.format == "huggingface":
            completeness.check(self._partial.tree, {file.path for file in finished})
        if source.trusted:
            first_use.agree(options.target, finished, source.label)
        self._check_lease()
        made = Marker(
            options.name, options.lineage, options.format, files=tuple(finished), source=dict(source.record())
        )
        self._partial.publish(made)
        total = sum(file.size for file in finished)
        log.info("%s is complete: %d files, %s", options.target, len(finished), size(total))

    def _held(self) -> bool:
        return not self._lease.lost

    def _check_lease(self, cause: Optional[Fault] = None) -> None:
        """Raise `Fault` LEASE_LOST if another pod goes on; what else failed is then a consequence."""
        if not self._lease.confirm():
            where = self._options.target
            raise Fault(LEASE_LOST, f"another pod took over {where}; it goes on there") from cause

    def _unpacked(self, source: Archive, fetched: ArtifactFile) -> List[ArtifactFile]:
        """Unpack the archive into an empty tree, choose its files and return them with their digests."""
        options, tree = self._options, self._partial.tree
        log.info("unpacking %s, sha256 %s", source.label, fetched.sha256)
        with storing(tree):
            shutil.rmtree(str(tree), ignore_errors=True)
            tree.mkdir(parents=True)
        self._extract(source, self._partial.archive / fetched.path)
        found = [
            RemoteFile(path.relative_to(tree).as_posix(), path.stat().st_size)
            for path in tree.rglob("*")
            if path.is_file()
        ]
        chosen = select(found, options.include, options.exclude, options.require, source.label)
        wanted = {file.path for file in chosen}
        for file in found:
            if file.path not in wanted:
                (tree / file.path).unlink()
        with storing(self._partial.archive):
            shutil.rmtree(str(self._partial.archive))
        return verify.digests(tree, [file.path for file in chosen], self._stop)

    def _extract(self, source: Archive, archive: Path) -> None:
        """Unpack `archive`; if it is damaged and nobody knows its digest, it is not kept."""
        try:
            source.extract(archive, self._partial.tree)
        except Fault as fault:
            if fault.code != BAD_ARTIFACT or not source.trusted:
                raise
            self._partial.forget(self._partial.archive)
            raise Fault(fault.code, f"{fault}; it was removed, another start fetches it anew") from fault


def _amount(files: Sequence[RemoteFile]) -> str:
    if any(file.size is None for file in files):
        return "of unknown size"
    return size(sum(file.size or 0 for file in files))


def _all_failed(faults: Sequence[Fault], sources: Sequence[Source]) -> Fault:
    """Return one fault for all sources: worth another try if any of them is."""
    if len(faults) == 1:
        return Fault(faults[0].code, f"{sources[0].label}: {faults[0]}")
    transient = [fault.code for fault in faults if not is_permanent(fault.code)]
    causes = "; ".join(f"{source.label}: {fault}" for source, fault in zip(sources, faults))
    return Fault(TRANSIENT if transient else faults[-1].code, f"no source has it: {causes}")
