"""A backend whose model makes the tokens itself: one generation at a time, on one thread."""

from __future__ import annotations

from abc import abstractmethod
from typing import Callable, Generator, Generic, List, Optional, Set, TypeVar

from serve.backend import Backend, Piece, Progress
from serve.backends.model_thread import ModelThread, Put
from serve.backends.pieces import pieces
from serve.backends.vocabulary import Vocabulary
from serve.prompt import Prompt
from serve.sampling import Sampling


class Loaded:
    """A model that is loaded: what reads its texts, and the tokens that end its answers."""

    def __init__(self, vocabulary: Vocabulary, ends: Set[int]) -> None:
        self.vocabulary, self.ends = vocabulary, ends


L = TypeVar("L", bound=Loaded)


class GeneratingBackend(Backend, Generic[L]):
    """What is the same for all models with a `generate` of their own."""

    def __init__(self) -> None:
        self._thread = ModelThread()
        self._loaded: Optional[L] = None

    @abstractmethod
    def read(self, progress: Progress) -> L:
        """Load the model; called on the thread that will generate."""

    @abstractmethod
    def produce(self, loaded: L, ids: List[int], sampling: Sampling, ends: Set[int], put: Put) -> None:
        """Hand each token to `put` as it comes, until one of `ends`, or until `put` wants no more."""

    def load(self, progress: Progress) -> None:
        """Load tokenizer and weights."""
        self._loaded = self._thread.call(lambda: self.read(progress))

    def count_tokens(self, prompt: Prompt) -> int:
        """Return how many tokens the prompt has."""
        return len(self._ready().vocabulary.ids(prompt))

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancelled: Callable[[], bool]
    ) -> Generator[Piece, None, None]:
        """Yield the answer token by token."""
        loaded = self._ready()
        ids = loaded.vocabulary.ids(prompt)
        ends = loaded.ends | loaded.vocabulary.ends(prompt.end_tokens)
        tokens = self._thread.tokens(lambda put: self.produce(loaded, ids, sampling, ends, put))
        return pieces(tokens, loaded.vocabulary, ends, sampling.max_tokens, cancelled)

    def stop(self) -> None:
        """Let go of the model."""
        self._loaded = None

    def _ready(self) -> L:
        if self._loaded is None:
            raise RuntimeError("the model is not loaded")
        return self._loaded
