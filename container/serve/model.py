"""The one model that is served, as the HTTP side sees it."""

from __future__ import annotations

import time
from typing import List, NamedTuple, Optional, Tuple

from serve.backend import Backend
from serve.errors import ApiError
from serve.fields import Fields
from serve.generation import Generation
from serve.lifecycle import Lifecycle
from serve.metrics import Metrics
from serve.prompt import Prompt
from serve.prompts import Family
from serve.sampling import Sampling
from serve.scheduler import Scheduler


class Model(NamedTuple):
    """Turns requests into generations. `request_timeout` is in seconds, the queue included."""

    name: str
    created: int
    family_name: str
    family: Family
    backend: Backend
    scheduler: Scheduler
    lifecycle: Lifecycle
    metrics: Metrics
    request_timeout: float

    def require_name(self, fields: Fields) -> None:
        """Raise 404 if the request is for another model."""
        wanted = fields.required_text("model")
        if wanted != self.name:
            raise self.unknown(wanted)

    def unknown(self, wanted: str) -> ApiError:
        """Return the 404 for a model that is not served here."""
        message = f"the model '{wanted[:100]}' does not exist: this server has '{self.name}'"
        return ApiError(404, message, code="model_not_found", param="model")

    def start(self, prompt: Prompt, sampling: Sampling, prompt_tokens: int) -> Generation:
        """Put a generation in the queue."""
        generation = Generation(prompt, sampling, prompt_tokens, time.monotonic() + self.request_timeout)
        self.scheduler.submit(generation)
        self.metrics.prompt_tokens.add(prompt_tokens)
        return generation

    def count(self, prompt: Prompt, limit: Optional[int] = None) -> int:
        """Return the length of a prompt; 400 if the context (or `limit`) has no room for an answer."""
        tokens = self.backend.count_tokens(prompt)
        room = min(self.backend.context_length, limit or self.backend.context_length)
        if tokens >= room:
            raise ApiError(
                400,
                f"the prompt has {tokens} tokens, but with its answer it may have {room}: shorten it",
                code="context_length_exceeded",
                param="messages",
            )
        return tokens

    def sampling(self, fields: Fields, max_tokens: Optional[int], prompt_tokens: int) -> Sampling:
        """Read how to sample; `max_tokens` is cut to what the context leaves."""
        room = self.backend.context_length - prompt_tokens
        temperature = fields.number("temperature", 0.0, 2.0)
        top_p = fields.number("top_p", 0.0, 1.0)
        return Sampling(
            max_tokens=min(room, max_tokens or room),
            temperature=self.family.temperature if temperature is None else temperature,
            top_p=self.family.top_p if top_p is None else top_p,
            stop=_stop(fields),
            seed=fields.integer("seed", -(2**63), 2**63 - 1),
        )


def _stop(fields: Fields) -> Tuple[str, ...]:
    given = fields.value("stop")
    if given is None:
        return ()
    texts: List[object] = given if isinstance(given, list) else [given]
    stops = tuple(text for text in texts if isinstance(text, str) and 0 < len(text) <= 256)
    if len(stops) != len(texts) or len(stops) > 4:
        raise fields.wrong("stop", "must be a text, or up to 4 texts, of 1 to 256 characters")
    return stops


def refuse_unsupported(fields: Fields) -> None:
    """Raise 400 for what would change the answer and is not done here, instead of ignoring it."""
    for field, default in (("n", 1), ("best_of", 1), ("frequency_penalty", 0), ("presence_penalty", 0)):
        given = fields.value(field)
        if given is not None and (isinstance(given, bool) or given != default):
            raise fields.wrong(field, f"is not supported: leave it out, or let it be {default}")
    for field in (
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "functions",
        "function_call",
        "suffix",
        "echo",
        "audio",
    ):
        if fields.value(field) not in (None, False, [], {}):
            raise fields.wrong(field, "is not supported: leave it out")
    form = fields.child("response_format")
    if form is not None and form.text("type") != "text":
        raise fields.wrong("response_format", "is not supported: leave it out, or let its type be 'text'")
