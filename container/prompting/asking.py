"""One question after the other to a model in this process."""

from __future__ import annotations

import logging
import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from pod.exit_codes import BAD_SETTING, TERMINATED, TRANSIENT, Fault
from prompting.model_flags import AskedModel
from serve.backend import Progress
from serve.messages import Message
from serve.prompt import Prompt
from serve.prompts import PromptError
from serve.replies import Content, Reply
from serve.sampling import Sampling

log = logging.getLogger(__name__)
_SAID_EVERY = 30.0


class Answered(NamedTuple):
    """A question's answer. Times are in seconds from the question; `first_token` is that of the first one."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    first_token: float
    seconds: float


class Asking:
    """A model that is let go at the end of the `with`: ranks that share it wait for that.

    `stopped` ends an answer that is under way, with a `Fault` (TERMINATED).
    """

    def __init__(self, model: AskedModel, stopped: threading.Event) -> None:
        self.model = model
        self._stopped = stopped

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self.model.backend.stop()

    def load(self) -> float:
        """Load the model; the seconds that it took."""
        began = said = time.monotonic()

        def progress(fraction: float, doing: str) -> None:
            nonlocal said
            if time.monotonic() - said >= _SAID_EVERY:
                said = time.monotonic()
                log.info("loading: %.0f%% after %.0f s (%s)", 100 * fraction, said - began, doing)

        with _signals_end_at_once("the model was loading"):
            log.info("loading model '%s' with the %s backend", self.model.name, self.model.backend_name)
            if self._stopped.is_set():
                raise Fault(TERMINATED, "told to stop before the model was loaded")
            self._load(progress)
        seconds = time.monotonic() - began
        log.info("loaded after %.1f s, context %d tokens", seconds, self.model.backend.context_length)
        return seconds

    def _load(self, progress: Progress) -> None:
        try:
            self.model.backend.load(progress)
        except SystemExit as error:  # vendors' code calls exit()
            raise Fault(TRANSIENT, f"model '{self.model.name}' did not load: exit {error.code}") from None

    def answer(
        self, messages: Sequence[Message], sampling: Sampling, show: Callable[[str], None] = lambda text: None
    ) -> Answered:
        """Answer the last message; `show` gets the text as it comes."""
        prompt = self._prompt(messages)
        tokens = self.model.backend.count_tokens(prompt)
        length = self.model.backend.context_length
        room = length - tokens
        if room < 1:
            raise Fault(
                BAD_SETTING,
                f"the prompt has {tokens} tokens, but with its answer it may have {length}: shorten it",
            )
        return self._collect(
            prompt, sampling._replace(max_tokens=min(room, sampling.max_tokens)), tokens, show
        )

    def room(self, messages: Sequence[Message]) -> int:
        """Return how many tokens the context has left for an answer; below 1 if the prompt is too long."""
        backend = self.model.backend
        return backend.context_length - backend.count_tokens(self._prompt(messages))

    def _prompt(self, messages: Sequence[Message]) -> Prompt:
        try:
            return self.model.family.chat(messages, (), None)
        except PromptError as error:
            raise Fault(BAD_SETTING, str(error)) from None

    def _collect(
        self, prompt: Prompt, sampling: Sampling, prompt_tokens: int, show: Callable[[str], None]
    ) -> Answered:
        reply, texts, count, reason = Reply(), _Shown(show), 0, "stop"
        began = time.monotonic()
        first = began
        for piece in self.model.backend.generate(prompt, sampling, self._stopped.is_set):
            first = first if count else time.monotonic()
            count += piece.tokens
            texts.take(part.text for part in reply.feed(piece.text) if isinstance(part, Content))
            if piece.finish_reason is not None or count >= sampling.max_tokens:
                reason = piece.finish_reason or "length"
                break
        if self._stopped.is_set():
            raise Fault(TERMINATED, "told to stop while an answer was under way")
        texts.take(part.text for part in reply.finish() if isinstance(part, Content))
        ended = time.monotonic()
        return Answered(texts.text, reason, prompt_tokens, count, first - began, ended - began)


@contextmanager
def _signals_end_at_once(while_what: str) -> Iterator[None]:
    """Let SIGTERM and SIGINT end what cannot look at a flag."""

    def end(_number: int, _frame: Optional[FrameType]) -> None:
        raise Fault(TERMINATED, f"told to stop while {while_what}")

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Shown:
    """Texts, shown as they come and kept."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._texts: List[str] = []

    def take(self, texts: Iterator[str]) -> None:
        for text in texts:
            self._show(text)
            self._texts.append(text)

    @property
    def text(self) -> str:
        return "".join(self._texts)


def rounds(conversation: Sequence[Message]) -> List[Tuple[Message, ...]]:
    """Return what is asked one after the other: up to each user's message that no given answer follows.

    The messages of a round come after those of the rounds before it, whose answers the model gives.
    """
    found: List[Tuple[Message, ...]] = []
    new: List[Message] = []
    for index, message in enumerate(conversation):
        new.append(message)
        following = conversation[index + 1].role if index + 1 < len(conversation) else "user"
        if message.role == "user" and following != "assistant":
            found.append(tuple(new))
            new = []
    return found
