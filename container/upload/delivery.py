"""From options to a finished upload: the files first, the manifest last."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Optional

from artifacts import marker
from artifacts.marker import MARKER_NAME, Marker
from artifacts.wait import wait
from fetch.connections import Connections
from fetch.names import safe
from fetch.progress import Meter, Moment
from fetch.rate import RateLimit
from fetch.watched import Work
from pod.amounts import size
from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, DONE, TERMINATED, Fault
from upload import manifest
from upload.bucket import Bucket
from upload.object_state import ObjectState
from upload.options import Options
from upload.plan import Plan
from upload.preparation import Preparation
from upload.sending import Sending

LOOK_SECONDS = 2.0
READERS = 2
"""Files prepared at a time: one is read while another is looked up; few, so that they end one by one."""

log = logging.getLogger("upload_artifact")


class Delivery(Work):
    """One run of the script; `run` may be stopped from another thread."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._connections = Connections(options.stall_timeout, options.ca_bundle)
        self._stop = threading.Event()
        self._bucket = Bucket(options.place, self._connections, options.retries, self._stop)
        self._plan: Optional[Plan] = None
        self._meter = Meter()

    def run(self) -> int:
        """Send the artifact; `Fault` says why it is not at the store."""
        made = self._made()
        if self._there(made):
            log.info("%s is complete at %s: nothing to do", self._options.artifact, self._options.label)
            return DONE
        self._send(made)
        return DONE

    def stop(self) -> None:
        """End everything soon: blocked reads and writes are cut."""
        self._stop.set()
        self._connections.cut()
        if self._plan is not None:
            self._plan.fail(Fault(TERMINATED, "told to stop"))

    def moment(self) -> Optional[Moment]:
        """Return how far it is; None before the first byte. What was there before does not count as speed."""
        plan = self._plan
        if plan is None:
            return None
        moment = self._meter.moment(plan.done - plan.kept, plan.total - plan.kept, plan.current)
        return replace(moment, done=plan.done, total=plan.total)

    def _made(self) -> Marker:
        """Return the marker of the artifact once it is there; `Fault` BAD_ARTIFACT if files are missing."""
        directory = self._options.artifact
        wait([directory], self._options.wait, LOOK_SECONDS, self._stop.wait)
        made = marker.read(directory)
        problem = "its marker is gone" if made is None else marker.missing(directory, made)
        if made is None or problem is not None:
            raise Fault(
                BAD_ARTIFACT,
                f"{directory} is not what its marker says: {problem}; "
                "remove the directory to have it made again",
            )
        for file in made.files:
            safe(file.path)
        return made

    def _there(self, made: Marker) -> bool:
        """Whether the upload was finished before; `Fault` BAD_SETTING if another artifact is there."""
        options = self._options
        data = self._bucket.read(f"{options.prefix}{MARKER_NAME}")
        if data is None:
            return False
        found = manifest.parse(data, options.label)
        if not manifest.same(found, made, options.artifact, self._stop):
            raise Fault(
                BAD_SETTING,
                f"{options.label} has another artifact, {found.get('name')} of lineage "
                f"{found.get('lineage')} made {found.get('created')}, not {made.name} of lineage "
                f"{made.lineage} made {made.created}; nothing was changed: give another --prefix, "
                "or remove what is there",
            )
        return True

    def _send(self, made: Marker) -> None:
        options = self._options
        states = [
            ObjectState(file, options.artifact / file.path, f"{options.prefix}{file.path}", options.part_size)
            for file in sorted(made.files, key=lambda file: file.size)  # what ends soon is never sent again
        ]
        plan = self._plan = Plan(states, 2 * options.connections, self._stop)
        log.info(
            "sending %d files, %s, from %s to %s",
            len(states),
            size(plan.total),
            options.artifact,
            options.label,
        )
        self.moment()  # the first line's rate counts from here
        self._work(plan)
        digests = {state.file.path: state.sha256 for state in states}
        self._bucket.write(f"{options.prefix}{MARKER_NAME}", manifest.dump(made, digests))
        log.info(
            "%s is complete: %d files, %s, of which %s were there before",
            options.label,
            len(states),
            size(plan.total),
            size(plan.kept),
        )

    def _work(self, plan: Plan) -> None:
        options = self._options
        limit = RateLimit(options.rate_limit)
        work = [Preparation(plan, self._bucket, self._stop).run for _ in range(READERS)]
        for _ in range(options.connections):
            work.append(Sending(plan, self._bucket, limit, options.connections, self._stop).run)
        for run in work:
            threading.Thread(target=run, daemon=True).start()
        while not plan.wait(1.0):
            pass
        if plan.fault is not None:
            raise plan.fault
        if self._stop.is_set():
            raise Fault(TERMINATED, "told to stop")
