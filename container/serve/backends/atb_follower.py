"""A rank other than 0: computes what rank 0 tells it to, and opens no port."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from queue import SimpleQueue
from typing import Optional

from pod.exit_codes import DONE, TRANSIENT, Fault
from pod.termination import report
from serve.backends.atb_engine import Engine
from serve.backends.atb_leader import STUCK_SECONDS
from serve.backends.atb_link import Link, Message, Place, own_user

_log = logging.getLogger(__name__)
_MEET_SECONDS = 300.0
_RETRY_SECONDS = 0.1
_LAST_SECONDS = 1.0


class Follower:
    """Follows rank 0 from its first message to its end.

    A signal to end does not end it, since rank 0 still has answers to finish; rank 0's end does.
    """

    def __init__(self, place: Place, engine: Engine) -> None:
        self._place = place
        self._engine = engine
        self._signalled = threading.Event()
        self._messages: SimpleQueue[Optional[Message]] = SimpleQueue()
        self._ended = False

    def run(self) -> None:
        """Return when rank 0 has ended well; a `Fault` if it was lost, or this rank failed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._signalled.set())
        link = self._meet()
        if link is None:
            return
        link.send({"rank": self._place.rank})
        threading.Thread(target=self._listen, args=(link,), name="rank-0", daemon=True).start()
        try:
            self._engine.load(lambda fraction, doing: None)
            _log.info("rank %d has loaded its part", self._place.rank)
            link.send({"done": True})
            self._follow(link)
        except Fault as fault:
            link.send({"failed": str(fault), "code": fault.code})
            raise
        except Exception as error:
            cause = f"{type(error).__name__}: {error}"
            link.send({"failed": cause, "code": TRANSIENT})
            raise Fault(TRANSIENT, f"rank {self._place.rank} failed: {cause}") from error

    def _meet(self) -> Optional[Link]:
        limit = time.monotonic() + _MEET_SECONDS
        while not self._signalled.is_set():
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._place.name)
            except OSError as error:
                connection.close()
                if time.monotonic() > limit:
                    raise Fault(
                        TRANSIENT, f"rank 0 did not come within {_MEET_SECONDS:g} s: {error.strerror}"
                    ) from None
                self._signalled.wait(_RETRY_SECONDS)
                continue
            if own_user(connection):
                return Link(connection)
            raise Fault(TRANSIENT, "the place where the ranks meet is taken by another user's process")
        return None

    def _follow(self, link: Link) -> None:
        while True:
            message = self._messages.get()
            if message is None:
                if self._ended:
                    return
                raise Fault(TRANSIENT, "rank 0 was lost")
            if message["do"] == "prefill":
                self._engine.prefill(message["ids"])
            elif message["do"] == "step":
                self._engine.step(message["token"])
            elif message["do"] == "report":
                link.send({"done": True})

    def _listen(self, link: Link) -> None:
        """Hand on what rank 0 says; end this process if it hangs after rank 0's end."""
        for message in link.messages():
            self._ended = self._ended or message["do"] == "end"
            self._messages.put(message)
        # The launcher takes the first that ends for the cause, so that must be rank 0.
        self._signalled.wait(_LAST_SECONDS)
        self._messages.put(None)
        time.sleep(STUCK_SECONDS)
        if not self._ended:
            _log.error("rank 0 was lost within a step: ending (exit code %d)", TRANSIENT)
            report("rank 0 was lost")
        sys.stdout.flush()
        os._exit(DONE if self._ended else TRANSIENT)
