"""Where the server is between start and end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Iterator

from serve.errors import unavailable

LOADING, READY, DRAINING, CLOSED = "loading", "ready", "draining", "closed"


class Lifecycle:
    """loading -> ready -> draining (leaves the endpoints, still accepts) -> closed (finishes what it has)."""

    def __init__(self, model_name: str) -> None:
        self._model_name = model_name
        self._changed = threading.Condition()
        self._state = LOADING
        self._began = time.monotonic()
        self._fraction = 0.0
        self._doing = "starting"
        self._active = 0
        self.load_seconds = 0.0

    @property
    def state(self) -> str:
        """Return one of `loading`, `ready`, `draining` and `closed`."""
        return self._state

    @property
    def active(self) -> int:
        """Return how many requests for text are being answered."""
        return self._active

    @property
    def progress(self) -> float:
        """Return how much of the model is loaded, 0 to 1."""
        return self._fraction

    @property
    def doing(self) -> str:
        """Return what the load is at."""
        return self._doing

    def advance(self, fraction: float, doing: str) -> None:
        """Take the backend's word on how far the load is."""
        self._fraction, self._doing = min(1.0, max(0.0, fraction)), doing

    def loaded(self) -> None:
        """Open for requests, unless the end has begun."""
        with self._changed:
            self.load_seconds = time.monotonic() - self._began
            self.advance(1.0, "loaded")
            if self._state == LOADING:
                self._state = READY

    def drain(self) -> None:
        """Answer not ready from now on, and still accept."""
        with self._changed:
            self._state = DRAINING if self._state == READY else CLOSED

    def close(self) -> None:
        """Accept nothing more."""
        with self._changed:
            self._state = CLOSED
            self._changed.notify_all()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Hold the server open while one request is answered; refuse with 503 if it is not open."""
        with self._changed:
            self.require_open()
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def require_open(self) -> None:
        """Refuse with 503, and how far the load is, unless requests are accepted."""
        if self._state == LOADING:
            raise unavailable(self.loading_message(), "model_loading", self.seconds_to_ready())
        if self._state == CLOSED:
            raise unavailable("the server is shutting down: try another replica", "shutting_down", 1)

    def loading_message(self) -> str:
        """Say how far the load is."""
        passed = time.monotonic() - self._began
        done = f"{self._fraction:.0%} after {passed:.0f} s ({self._doing})"
        return f"model '{self._model_name}' is loading: {done}"

    def seconds_to_ready(self) -> int:
        """Guess from the progress how long the load still takes: 1 to 60."""
        passed = time.monotonic() - self._began
        left = passed * (1 - self._fraction) / self._fraction if self._fraction > 0 else 5.0
        return int(min(60, max(1, left)))

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no request is being answered."""
        with self._changed:
            return self._changed.wait_for(lambda: self._active == 0, timeout)
