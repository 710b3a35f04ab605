"""The interface between the server and the code that runs a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Callable, Generator, Mapping, NamedTuple, Optional

from serve.prompt import Prompt
from serve.sampling import Sampling

Progress = Callable[[float, str], None]
"""Takes the fraction done, 0 to 1, and in a few words what is being done."""


class Settings(NamedTuple):
    """What the command line says of the model. `options` are the backend's own, as given: key and text."""

    model_path: Optional[str]
    model_family: str
    context_length: Optional[int]
    options: Mapping[str, str]


class Piece(NamedTuple):
    """The next text and how many tokens it stands for.

    Text is whole characters: a backend holds back the bytes of an unfinished one, and yields an empty text
    for their tokens. `finish_reason` comes with the last piece: `length` when the backend ran out of room,
    `stop` otherwise.
    """

    text: str
    tokens: int = 1
    finish_reason: Optional[str] = None


class Backend(ABC):
    """Loads one model and generates text with it.

    A backend is made from `Settings` and checks them at once (`Fault`, BAD_SETTING). `load` and `generate`
    are called on the server's worker threads, of which there are `concurrency`; the first one loads and
    then generates, so that a device context that belongs to a thread holds. A `Fault` from either ends the
    process with its code and cause: raise it when nothing more can be served (a rank died). Any other
    exception from `generate` fails that one request.
    """

    concurrency: int = 1
    """How many generations may run at once: 1 unless the backend batches. Known before `load`."""

    context_length: int = 0
    """Tokens of prompt and answer together. Known after `load`."""

    @abstractmethod
    def load(self, progress: Progress) -> None:
        """Load the model, saying now and then how far it is."""

    @abstractmethod
    def count_tokens(self, prompt: Prompt) -> int:
        """Return the length of a prompt; called from any thread, also while a generation runs."""

    @abstractmethod
    def generate(
        self, prompt: Prompt, sampling: Sampling, cancelled: Callable[[], bool]
    ) -> Generator[Piece, None, None]:
        """Yield the answer as it comes.

        The server closes the generator when it needs no more (a stop text, a client that left); `cancelled`
        says the same before the first piece and between pieces, cheaply enough to be asked at every step.
        """

    @abstractmethod
    def stop(self) -> None:
        """Let go of the model; called once, at the end, perhaps before `load` has ended."""
