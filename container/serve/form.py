"""How an answer is written as JSON: what differs between chat and plain completion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Dict, Iterator, List

Choice = Dict[str, object]


class Form(ABC):
    """Collects the text of one answer and gives OpenAI's `choices` for it, in chunks and whole."""

    prefix = ""
    whole_object = ""
    chunk_object = ""

    @abstractmethod
    def opening(self) -> List[Choice]:
        """Return the chunks before any text."""

    @abstractmethod
    def feed(self, text: str) -> Iterator[Choice]:
        """Take the next text and return its chunks."""

    @abstractmethod
    def finish(self) -> Iterator[Choice]:
        """Take the end of the text and return the last chunks."""

    @abstractmethod
    def closing(self) -> Choice:
        """Return the chunk that carries the finish reason."""

    @abstractmethod
    def finish_reason(self, reason: str) -> str:
        """Return how the answer ended."""

    @abstractmethod
    def whole(self) -> Choice:
        """Return the whole answer."""
