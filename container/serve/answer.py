"""The answer of one generation, as the client's thread takes it."""

from __future__ import annotations

import time
from contextlib import suppress
from queue import Empty
from typing import Callable, Iterator, List, Optional, Tuple

from serve.errors import ApiError
from serve.generation import Delta, End, Failed, Generation

_LOOK_EVERY = 0.1
QUIET_SECONDS = 10.0


class ClientLeftError(Exception):
    """The client closed the connection before its answer was whole."""


class Answer:
    """Iterate to get the texts; afterwards `finish_reason` says how it ended.

    While nothing comes it looks whether the client is still there. None stands for `QUIET_SECONDS` without
    any text.
    """

    def __init__(self, generation: Generation, peer_is_gone: Callable[[], bool]) -> None:
        self.generation = generation
        self.finish_reason = "stop"
        self._peer_is_gone = peer_is_gone

    def __iter__(self) -> Iterator[Optional[str]]:
        looked = heard = time.monotonic()
        while True:
            text, end = self._next()
            now = time.monotonic()
            if now - looked >= _LOOK_EVERY:
                looked = now
                self._check(now)
            if text or now - heard >= QUIET_SECONDS:
                heard = now
                yield text or None
            if isinstance(end, Failed):
                raise end.error
            if end is not None:
                self.finish_reason = end.reason
                return

    def _next(self) -> Tuple[str, Optional[End]]:
        """Wait a little for text, and take all that is there: a slow client then needs fewer writes."""
        texts: List[str] = []
        wait = _LOOK_EVERY
        with suppress(Empty):
            while True:
                event = (
                    self.generation.events.get(timeout=wait) if wait else self.generation.events.get_nowait()
                )
                if not isinstance(event, Delta):
                    return "".join(texts), event
                texts.append(event.text)
                wait = 0.0
        return "".join(texts), None

    def _check(self, now: float) -> None:
        if self._peer_is_gone():
            raise ClientLeftError
        if now < self.generation.deadline:
            return
        seconds = self.generation.deadline - self.generation.created
        raise ApiError(
            504,
            f"the answer was not whole after {seconds:.4g} seconds, the limit of this server",
            kind="timeout_error",
            code="deadline_exceeded",
            headers={"X-Should-Retry": "false"},
        )
