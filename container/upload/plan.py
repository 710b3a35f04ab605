"""What is left to do, shared by the threads that prepare files and those that send them."""

from __future__ import annotations

import threading
from collections import deque
from typing import Deque, Optional, Sequence, Tuple

from pod.exit_codes import TRANSIENT, Fault
from upload.object_state import ObjectState

Part = Tuple[ObjectState, int]


class Plan:
    """The objects of one upload; the first fault ends it. `stop` is set by whoever wants all to end."""

    def __init__(self, objects: Sequence[ObjectState], ahead: int, stop: threading.Event) -> None:
        self._pending = deque(objects)
        self._unfinished = len(objects)
        self._ready: Deque[Part] = deque()
        self._ahead = ahead
        self._stop = stop
        self._wake = threading.Condition()
        self.total = sum(state.file.size for state in objects)
        self.done = 0
        self.kept = 0
        self.current = ""
        self.fault: Optional[Fault] = None

    @property
    def over(self) -> bool:
        """Whether nothing is left to do, or nothing can be done."""
        return self._unfinished == 0 or self.fault is not None or self._stop.is_set()

    def next_object(self) -> Optional[ObjectState]:
        """Return the next file to prepare, None if there is none."""
        with self._wake:
            return None if self.over or not self._pending else self._pending.popleft()

    def offer(self, state: ObjectState, number: int) -> None:
        """Have a part sent; waits while enough parts are ready, so that what was read is still in memory."""
        with self._wake:
            self._wake.wait_for(lambda: self.over or len(self._ready) < self._ahead)
            self._ready.append((state, number))
            self._wake.notify_all()

    def next_part(self) -> Optional[Part]:
        """Return the next part to send, waiting for one; None once all is over."""
        with self._wake:
            self._wake.wait_for(lambda: self.over or bool(self._ready))
            if self.over:
                return None
            part = self._ready.popleft()
            self.current = part[0].file.path
            self._wake.notify_all()
            return part

    def sent(self, state: ObjectState, number: int, etag: str) -> bool:
        """Note a part that is at the store; True for the caller that has to complete the object."""
        with self._wake:
            state.etags[number] = etag
            return self._complete(state)

    def verified(self, state: ObjectState) -> bool:
        """Note that the whole file was read and is right; True for the caller that has to complete it."""
        with self._wake:
            state.verified = True
            return self._complete(state)

    def finish(self, state: ObjectState, kept: bool = False) -> None:
        """Note that the object is at the store; `kept`: it was there before."""
        with self._wake:
            if state.finished:
                return
            state.finished = True
            self._unfinished -= 1
            self.done += state.file.size - state.counted
            self.kept += state.file.size - state.counted if kept else 0
            state.counted = state.file.size
            self._wake.notify_all()

    def keep(self, state: ObjectState, size: int) -> None:
        """Count `size` bytes of parts that were at the store before."""
        with self._wake:
            self.kept += size
        self.moved(state, size)

    def moved(self, state: ObjectState, size: int) -> None:
        """Count bytes sent, or taken back if negative."""
        with self._wake:
            if not state.finished:
                state.counted += size
                self.done += size

    def fail(self, error: BaseException) -> None:
        """End everything because of `error`, unless something else did before."""
        fault = error if isinstance(error, Fault) else Fault(TRANSIENT, f"{type(error).__name__}: {error}")
        with self._wake:
            self.fault = self.fault or fault
            self._stop.set()
            self._wake.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds`; whether all is over."""
        with self._wake:
            return self._wake.wait_for(lambda: self.over, seconds)

    def _complete(self, state: ObjectState) -> bool:
        return state.verified and state.multipart and len(state.etags) == state.count
