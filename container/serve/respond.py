"""Runs one generation for a client and writes the answer, whole or as server-sent events."""

from __future__ import annotations

import time
from typing import Callable, Dict, Iterable, List, Optional

from serve.answer import Answer, ClientLeftError
from serve.errors import ApiError
from serve.fields import Fields
from serve.form import Choice, Form
from serve.generation import Generation
from serve.model import Model
from serve.prompt import Prompt
from serve.wire.exchange import Exchange, encode_json
from serve.wire.reader import DisconnectedError, StalledError


def respond(
    exchange: Exchange, model: Model, fields: Fields, prompt: Prompt, limit: Optional[int], form: Form
) -> None:
    """Generate at most `limit` tokens and send them as `form` says."""
    streamed = fields.flag("stream", default=False)
    options = fields.child("stream_options")
    with_usage = options.flag("include_usage", default=False) if options else False
    prompt_tokens = model.count(prompt)
    generation = model.start(prompt, model.sampling(fields, limit, prompt_tokens), prompt_tokens)
    writer = _Writer(exchange, model.name, form, generation)
    with_generation(
        model, generation, lambda: writer.stream(with_usage=with_usage) if streamed else writer.whole()
    )


def with_generation(model: Model, generation: Generation, write: Callable[[], None]) -> None:
    """Write an answer; when that fails, stop the generation and count why."""
    try:
        write()
    except (ClientLeftError, DisconnectedError, StalledError):
        model.scheduler.withdraw(generation, "client_left")
        raise
    except ApiError as error:
        model.scheduler.withdraw(generation, "deadline" if error.status == 504 else "failed")
        raise
    except BaseException:
        model.scheduler.withdraw(generation, "failed")
        raise


class _Writer:
    def __init__(self, exchange: Exchange, model_name: str, form: Form, generation: Generation) -> None:
        self._exchange = exchange
        self._form = form
        self._generation = generation
        self._answer = Answer(generation, exchange.peer_is_gone)
        self._identity = f"{form.prefix}{exchange.identity}"
        self._model_name = model_name
        self._created = int(time.time())
        self._with_usage = False

    def whole(self) -> None:
        for text in self._answer:
            _exhaust(self._form.feed(text or ""))
        _exhaust(self._form.finish())
        choice = self._choice(self._form.whole(), self._form.finish_reason(self._answer.finish_reason))
        body = self._envelope(self._form.whole_object, [choice])
        self._exchange.send_json(200, {**body, "usage": self._usage()})

    def stream(self, *, with_usage: bool) -> None:
        self._with_usage = with_usage
        try:
            for text in self._answer:
                self._open()
                chunks = self._events(self._form.feed(text)) if text is not None else b": waiting\n\n"
                self._write(chunks)
        except ApiError as error:
            self._fail(error)
            raise
        self._open()
        self._exchange.end_stream(self._ending())

    def _open(self) -> None:
        if self._exchange.status is None:
            self._exchange.start_stream("text/event-stream; charset=utf-8")
            self._write(self._events(self._form.opening()))

    def _write(self, events: bytes) -> None:
        if events:
            self._exchange.write(events)

    def _ending(self) -> bytes:
        last = self._events(self._form.finish())
        reason = self._form.finish_reason(self._answer.finish_reason)
        last += self._event([self._choice(self._form.closing(), reason)])
        if self._with_usage:
            last += _event({**self._envelope(self._form.chunk_object, []), "usage": self._usage()})
        return last + b"data: [DONE]\n\n"

    def _fail(self, error: ApiError) -> None:
        # The status is out already: OpenAI's clients take an event with an error for the failure that it is.
        if self._exchange.status is not None:
            self._exchange.end_stream(_event(error.body()))

    def _events(self, choices: Iterable[Choice]) -> bytes:
        return b"".join(self._event([self._choice(choice, None)]) for choice in choices)

    def _event(self, choices: List[Choice]) -> bytes:
        chunk = self._envelope(self._form.chunk_object, choices)
        return _event({**chunk, "usage": None} if self._with_usage else chunk)

    def _choice(self, choice: Choice, reason: Optional[str]) -> Choice:
        return {"index": 0, **choice, "logprobs": None, "finish_reason": reason}

    def _envelope(self, kind: str, choices: List[Choice]) -> Dict[str, object]:
        return {
            "id": self._identity,
            "object": kind,
            "created": self._created,
            "model": self._model_name,
            "choices": choices,
        }

    def _usage(self) -> Dict[str, object]:
        prompt, completion = self._generation.prompt_tokens, self._generation.completion_tokens
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _event(body: object) -> bytes:
    return b"data: " + encode_json(body) + b"\n\n"


def _exhaust(choices: Iterable[Choice]) -> None:
    for _ in choices:
        pass
