"""One answer on its way from the model to the client."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue
from typing import NamedTuple, Optional, Union

from serve.errors import ApiError
from serve.prompt import Prompt
from serve.sampling import Sampling


class Delta(NamedTuple):
    """The next text."""

    text: str


class Finished(NamedTuple):
    """The end of the answer: `stop` or `length`."""

    reason: str


class Failed(NamedTuple):
    """The end without an answer."""

    error: ApiError


End = Union[Finished, Failed]
Event = Union[Delta, Finished, Failed]


class Generation:
    """A request to the model. The worker puts `events`; the client's thread takes them.

    `deadline` is a moment of `time.monotonic()`, after which the generation counts as cancelled.
    """

    def __init__(self, prompt: Prompt, sampling: Sampling, prompt_tokens: int, deadline: float) -> None:
        self.prompt = prompt
        self.sampling = sampling
        self.prompt_tokens = prompt_tokens
        self.completion_tokens = 0
        self.created = time.monotonic()
        self.deadline = deadline
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._cancelled = threading.Event()
        self._cause: Optional[str] = None

    def cancel(self, cause: str) -> None:
        """Ask the worker to stop; the first cause counts."""
        self._cause = self._cause or cause
        self._cancelled.set()

    def cancelled(self) -> bool:
        """Say whether nobody waits for this any more."""
        return self._cancelled.is_set() or time.monotonic() >= self.deadline

    @property
    def cause(self) -> str:
        """Return why it was cancelled."""
        return self._cause or "deadline"
