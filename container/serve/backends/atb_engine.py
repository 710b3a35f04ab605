"""What a rank computes, between the server and the device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable, List

from serve.backend import Progress
from serve.backends.vocabulary import Vocabulary
from serve.sampling import Sampling


class Engine(ABC):
    """One rank's part of the model.

    `prefill` and `step` are collective: they return on no rank before every rank has called them, so the
    ranks must be given the same calls in the same order. All of it is called on one thread.
    """

    vocabulary: Vocabulary
    """Of rank 0, once it is loaded."""

    context_length: int = 0

    @abstractmethod
    def load(self, progress: Progress) -> None:
        """Load this rank's part."""

    @abstractmethod
    def prefill(self, ids: List[int]) -> None:
        """Read a prompt, and forget the one before."""

    @abstractmethod
    def step(self, token: int) -> None:
        """Read one more token."""

    @abstractmethod
    def chooser(self, sampling: Sampling) -> Callable[[], int]:
        """Return what chooses the next token from the last scores; rank 0 alone asks it."""
