"""A pod as a member of the meeting: it tells pod 0 of itself in the background and keeps what pod 0 says."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import uuid
from dataclasses import asdict, dataclass, replace
from typing import Any, Callable, Dict, Optional

from pod.exit_codes import BAD_RANK_TABLE, BAD_SETTING, TERMINATED, TRANSIENT, UNAUTHORISED, WAITING, Fault
from ranks.meeting import FINISHED, GATHERING, RUNNING, Beat, Reply
from ranks.meeting_line import Ask, Refused

FIRST_PAUSE = 0.05
LAST_PAUSE = 0.5
SAY_EVERY = 30.0


@dataclass(frozen=True)
class Times:
    """Seconds: between signs of life, of silence until pod 0 counts as lost, and of waiting for all pods."""

    heartbeat: float
    lost_after: float
    wait: float


class Member:
    """Pod `node`, which reaches pod 0 by `ask`. Another thread calls `wake` when the plan has fallen."""

    def __init__(
        self, node: int, settings: Dict[str, Any], ask: Ask, times: Times, wake: Callable[[], None]
    ) -> None:
        self._ask = ask
        self._times = times
        self._wake = wake
        self._log = logging.getLogger("launch")
        self._beat = Beat(node, uuid.uuid4().hex, settings, None, GATHERING, "")
        self._reply = Reply()
        self._heard = time.monotonic()
        self._trouble = ""
        self._unauthorised = False
        self._changed = threading.Condition()
        self._answers = self._read = 0
        self._kick = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beats, daemon=True, name="member")

    def start(self) -> None:
        """Begin to tell pod 0 of us."""
        self._thread.start()

    def gather(
        self, offer: Callable[[], Optional[Dict[str, Any]]], stopped: Callable[[], bool]
    ) -> Dict[str, Any]:
        """Wait until all pods are there and return the plan.

        `offer` is asked again and again for what this pod brings. Raises `Fault`: WAITING with the pods that
        did not come, TERMINATED once `stopped`, others where this pod may not join.
        """
        begin = said = time.monotonic()
        self._tell(state=GATHERING, following="", offer=offer())
        while True:
            reply = self._wait(LAST_PAUSE)
            self._raise_for(reply, stopped)
            if reply.plan is not None:
                self._tell(state=RUNNING, following=reply.plan["id"])
                return reply.plan
            now = time.monotonic()
            if now - begin >= self._times.wait:
                raise Fault(UNAUTHORISED if self._unauthorised else WAITING, self._missing(reply))
            if now - said >= SAY_EVERY:
                said = now
                self._log.info(
                    "still waiting for the other pods (%.0f s): %s", now - begin, self._obstacle(reply)
                )
            self._tell(offer=offer())

    def fallen(self) -> str:
        """Why the plan that we follow no longer holds, '' while it does."""
        with self._changed:
            following, reply, silence = self._beat.following, self._reply, time.monotonic() - self._heard
            if not following or reply.refused:
                return reply.refused
            if silence > self._times.lost_after:
                return f"pod 0 was silent for {self._times.lost_after:g} s"
            if reply.plan is None or reply.plan["id"] != following:
                return reply.cause or "pod 0 was started again"
            return ""

    def finish(self, stopped: Callable[[], bool]) -> bool:
        """Tell that our ranks are done and wait for the others'; False if the plan fell before all were."""
        self._tell(state=FINISHED)
        while True:
            reply = self._wait(LAST_PAUSE)
            if reply.finished and reply.plan is not None and reply.plan["id"] == self._beat.following:
                return True
            if self.fallen():
                return False
            if stopped():
                raise Fault(TERMINATED, "told to stop while the ranks of other pods were still running")

    def report(self, cause: str) -> bool:
        """Report that a rank failed; whether that is our own failure and no consequence of another's."""
        with contextlib.suppress(OSError):
            body = {"node": self._beat.node, "following": self._beat.following, "cause": cause}
            return bool(self._ask("/report", body)["first"])
        return False

    def leave(self, cause: str) -> None:
        """Take leave and fall silent; `cause` is for the others."""
        self._stop.set()
        self._kick.set()
        with contextlib.suppress(OSError):
            self._ask("/leave", {"node": self._beat.node, "instance": self._beat.instance, "cause": cause})

    @property
    def left(self) -> bool:
        """Whether this pod has taken leave."""
        return self._stop.is_set()

    def _tell(self, **changes: Any) -> None:  # noqa: ANN401 (the fields of a beat)
        with self._changed:
            beat = replace(self._beat, **changes)
            if beat == self._beat:
                return
            if beat.state == GATHERING and self._beat.state != GATHERING:
                # What pod 0 said so far is of the plan that fell.
                self._reply = Reply()
            self._beat = beat
        self._kick.set()

    def _wait(self, seconds: float) -> Reply:
        """Return the newest answer, at once where it has not been read yet, else as soon as one comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._answers != self._read, seconds)
            self._read = self._answers
            return self._reply

    def _beats(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            beat = self._beat
            if beat.state != GATHERING or self._reply.plan is None:
                # With a plan in hand our ranks are as good as started: pod 0 must not hear that we gather.
                self._send(beat)
            # Waiting for the others takes tenths of a second where all are there, but may last minutes.
            pause = FIRST_PAUSE if beat.state == RUNNING else min(pause * 1.3, LAST_PAUSE)
            self._kick.wait(self._times.heartbeat if beat.state == RUNNING else pause)
            self._kick.clear()

    def _send(self, beat: Beat) -> None:
        try:
            reply = Reply(**self._ask("/beat", asdict(beat)))
        except (OSError, TypeError, ValueError) as error:
            with self._changed:
                self._trouble = str(error)
                self._unauthorised = isinstance(error, Refused) and "401" in str(error)
        else:
            with self._changed:
                self._heard, self._trouble, self._unauthorised = time.monotonic(), "", False
                if (beat.state, beat.following) == (self._beat.state, self._beat.following):
                    self._reply = reply
                    self._answers += 1
                self._changed.notify_all()
        if self.fallen():
            self._wake()

    def _raise_for(self, reply: Reply, stopped: Callable[[], bool]) -> None:
        if stopped():
            raise Fault(TERMINATED, f"told to stop while waiting for the other pods: {self._obstacle(reply)}")
        if reply.refused:
            code = TRANSIENT if "newer pod" in reply.refused else BAD_SETTING
            raise Fault(code, reply.refused)
        if reply.wrong:
            raise Fault(BAD_RANK_TABLE, reply.wrong)

    def _missing(self, reply: Reply) -> str:
        return f"the pods did not meet within {self._times.wait:g} s: {self._obstacle(reply)}"

    def _obstacle(self, reply: Reply) -> str:
        if self._trouble:
            before = f"; before that, {reply.waiting}" if reply.waiting else ""
            return f"pod 0 cannot be reached ({self._trouble}){before}"
        return reply.waiting or "pod 0 is still to answer"
