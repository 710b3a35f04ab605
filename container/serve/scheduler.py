"""A bounded queue in front of the model, first come first served."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from typing import Callable, Deque, List, Optional

from pod.exit_codes import Fault
from serve.backend import Backend, Piece
from serve.errors import ApiError
from serve.generation import Delta, Failed, Finished, Generation
from serve.metrics import Metrics
from serve.stop_texts import StopTexts

_log = logging.getLogger(__name__)


class Scheduler:
    """Up to `capacity` generations wait; as many run as there are workers (`work` on a thread each)."""

    def __init__(self, backend: Backend, capacity: int, metrics: Metrics) -> None:
        self._backend = backend
        self._capacity = capacity
        self._metrics = metrics
        self._changed = threading.Condition()
        self._waiting: Deque[Generation] = deque()
        self._generating: List[Generation] = []

    @property
    def waiting(self) -> int:
        """Return the length of the queue."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Return how many generations the model is at."""
        return len(self._generating)

    def submit(self, generation: Generation) -> None:
        """Put a generation in the queue, or refuse with 429 when it is full."""
        with self._changed:
            free = self._backend.concurrency - len(self._generating)
            if len(self._waiting) >= self._capacity + free:
                raise self._full()
            self._waiting.append(generation)
            self._changed.notify()

    def withdraw(self, generation: Generation, cause: str) -> None:
        """Stop a generation, and free its place if it still waits."""
        generation.cancel(cause)
        with self._changed:
            if generation in self._waiting:
                self._waiting.remove(generation)
                self._metrics.cancelled.add(1, cause)

    def abandon(self, error: ApiError) -> None:
        """End whatever waits or runs with `error`."""
        with self._changed:
            waiting, running = list(self._waiting), list(self._generating)
            self._waiting.clear()
            self._metrics.cancelled.add(len(waiting), "shutting_down")
        for generation in [*waiting, *running]:
            generation.events.put(Failed(error))
            generation.cancel("shutting_down")

    def work(self, lost: Callable[[Fault], None]) -> None:
        """Generate for ever; hand a `Fault`, after which nothing can be served, to `lost`."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting))
                generation = self._waiting.popleft()
                self._generating.append(generation)
            try:
                self._run(generation)
            except Fault as fault:
                generation.events.put(Failed(_server_error(f"the model was lost: {fault}")))
                lost(fault)
            finally:
                with self._changed:
                    self._generating.remove(generation)

    def _run(self, generation: Generation) -> None:
        if generation.cancelled():
            self._metrics.cancelled.add(1, generation.cause)
            return
        began = time.monotonic()
        try:
            reason = self._pass_on(generation)
        except Fault:
            raise
        except (Exception, SystemExit) as error:  # what the model cannot digest must not end its thread
            _log.exception("a generation failed")
            generation.events.put(Failed(_server_error(f"the model failed: {type(error).__name__}")))
            return
        self._metrics.duration.observe(time.monotonic() - began)
        self._metrics.completion_tokens.add(generation.completion_tokens)
        if reason is None:
            self._metrics.cancelled.add(1, generation.cause)
        else:
            generation.events.put(Finished(reason))

    def _pass_on(self, generation: Generation) -> Optional[str]:
        """Return why the answer ended, or None when it was cancelled."""
        stops = StopTexts(generation.sampling.stop)
        first = 0.0
        pieces = self._backend.generate(generation.prompt, generation.sampling, generation.cancelled)
        try:
            for piece in pieces:
                if generation.cancelled():
                    return None
                first = first or self._saw_first(generation)
                reason = _take(piece, generation, stops)
                if reason is not None:
                    return reason
        finally:
            pieces.close()
            self._observe_rate(generation, first)
        if generation.cancelled():
            return None
        _emit(generation, stops.rest())
        return "stop"

    def _saw_first(self, generation: Generation) -> float:
        now = time.monotonic()
        self._metrics.first_token.observe(now - generation.created)
        return now

    def _observe_rate(self, generation: Generation, first: float) -> None:
        passed = time.monotonic() - first
        if generation.completion_tokens > 1 and passed > 0:
            self._metrics.rate.observe((generation.completion_tokens - 1) / passed)

    def _full(self) -> ApiError:
        rounds = (len(self._waiting) + 1) / self._backend.concurrency
        seconds = min(60, max(1, math.ceil(rounds * self._metrics.duration.mean(1.0))))
        return ApiError(
            429,
            f"the queue is full: {self._capacity} requests wait; try again in {seconds} s",
            kind="rate_limit_error",
            code="queue_full",
            headers={"Retry-After": str(seconds)},
        )


def _take(piece: Piece, generation: Generation, stops: StopTexts) -> Optional[str]:
    """Pass one piece on; return the reason if it was the last one."""
    generation.completion_tokens += piece.tokens
    text, stopped = stops.feed(piece.text)
    _emit(generation, text)
    if stopped:
        return "stop"
    reason = piece.finish_reason
    if reason is None and generation.completion_tokens >= generation.sampling.max_tokens:
        reason = "length"
    if reason is not None:
        _emit(generation, stops.rest())
    return reason


def _emit(generation: Generation, text: str) -> None:
    if text:
        generation.events.put(Delta(text))


def _server_error(message: str) -> ApiError:
    return ApiError(500, message, kind="server_error", code="generation_failed")
