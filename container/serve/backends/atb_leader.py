"""Rank 0's side of the ranks: tells the others what to compute, and sees when one is lost."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from contextlib import contextmanager
from typing import Dict, Iterator, Optional

from pod.exit_codes import TRANSIENT, Fault
from pod.termination import report
from serve.backends.atb_link import Link, Message, Place, own_user

_log = logging.getLogger(__name__)
_MEET_SECONDS = 300.0
_LOOK_SECONDS = 0.5
_HEAD_START_SECONDS = 0.5

STUCK_SECONDS = 2.0
"""A collective that has not returned so long after a rank was lost never will."""


class Leader:
    """Holds a connection to every other rank; with one rank alone there is nothing to hold."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._links: Dict[int, Link] = {}
        self._changed = threading.Condition()
        self._reports = 0
        self._busy = False
        self._ended = False
        self._fault: Optional[Fault] = None

    def gather(self) -> None:
        """Wait until every other rank is there."""
        if self._place.size == 1:
            return
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._place.name)
            listener.listen(self._place.size)
            listener.settimeout(_LOOK_SECONDS)
            limit = time.monotonic() + _MEET_SECONDS
            while len(self._links) < self._place.size - 1 and not self._ended:
                self._accept(listener)
                if time.monotonic() > limit:
                    missing = sorted(set(range(1, self._place.size)) - set(self._links))
                    raise Fault(TRANSIENT, f"ranks {missing} did not come within {_MEET_SECONDS:g} s")
        _log.info("all %d ranks are there", self._place.size)

    def wait_reports(self) -> None:
        """Wait until every other rank says that it is done; raise the fault of one that could not."""
        with self._changed:
            self._changed.wait_for(lambda: self._fault or self._reports == self._place.size - 1)
            self._reports = 0
        self.check()

    def check(self) -> None:
        """Raise the fault if a rank was lost."""
        if self._fault:
            raise self._fault

    def tell(self, message: Message) -> None:
        """Send a message to every other rank."""
        for link in self._links.values():
            link.send(message)

    @contextmanager
    def collective(self) -> Iterator[None]:
        """Frame what does not return unless all ranks are at it."""
        self.check()
        with self._changed:
            self._busy = True
        try:
            yield
        except Fault:
            raise
        except Exception as error:
            if self._place.size == 1:
                raise
            with self._changed:  # a lost rank is a cause that is seen a little later
                self._changed.wait_for(lambda: self._fault, 2 * _HEAD_START_SECONDS)
            self.check()
            # The others may wait in this step for ever, and would be one behind in the next.
            raise Fault(TRANSIENT, f"rank 0 failed at a step: {type(error).__name__}: {error}") from error
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        self.check()

    def end(self) -> None:
        """Let the other ranks end; they do so when this process is gone."""
        self._ended = True
        self.tell({"do": "end"})

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except socket.timeout:
            return
        connection.setblocking(True)
        if not own_user(connection):
            connection.close()
            return
        link = Link(connection)
        threading.Thread(target=self._listen, args=(link,), name="rank", daemon=True).start()

    def _listen(self, link: Link) -> None:
        """Take what one rank says, until it is gone."""
        rank = 0
        fault: Optional[Fault] = None
        for message in link.messages():
            if "rank" in message:
                rank = int(message["rank"])
                with self._changed:
                    self._links[rank] = link
            elif "failed" in message:
                fault = Fault(int(message["code"]), f"rank {rank} failed: {message['failed']}")
            else:
                with self._changed:
                    self._reports += 1
                    self._changed.notify_all()
        # Late enough for the launcher, which takes the first rank that it sees end for the cause.
        if rank and not self._ended:
            time.sleep(_HEAD_START_SECONDS)
            self._lose(fault or Fault(TRANSIENT, f"rank {rank} was lost"))

    def _lose(self, fault: Fault) -> None:
        with self._changed:
            if self._ended or self._fault:
                return
            self._fault = fault
            self._changed.notify_all()
            _log.error("%s", fault)
            free = self._changed.wait_for(lambda: not self._busy, STUCK_SECONDS)
        if not free and not self._ended:
            _log.error("a step does not return without that rank: ending (exit code %d)", fault.code)
            report(str(fault))
            os._exit(fault.code)
