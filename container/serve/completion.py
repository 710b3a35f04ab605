"""POST /v1/completions."""

from __future__ import annotations

from typing import Iterator, List

from serve.fields import Fields
from serve.form import Choice, Form
from serve.json_body import parse_object
from serve.model import Model, refuse_unsupported
from serve.respond import respond
from serve.wire.exchange import Exchange

_DEFAULT_TOKENS = 16  # OpenAI's default for this route


class TextForm(Form):
    """The objects of a text completion."""

    prefix = "cmpl-"
    whole_object = "text_completion"
    chunk_object = "text_completion"

    def __init__(self) -> None:
        self._texts: List[str] = []

    def opening(self) -> List[Choice]:
        """Return nothing: the text comes first."""
        return []

    def feed(self, text: str) -> Iterator[Choice]:
        """Return the text as it is."""
        self._texts.append(text)
        yield {"text": text}

    def finish(self) -> Iterator[Choice]:
        """Return nothing: no text is held back."""
        return iter(())

    def closing(self) -> Choice:
        """Return no text."""
        return {"text": ""}

    def finish_reason(self, reason: str) -> str:
        """Return the reason as it is."""
        return reason

    def whole(self) -> Choice:
        """Return the text."""
        return {"text": "".join(self._texts)}


def complete(exchange: Exchange, model: Model) -> None:
    """Continue a text."""
    fields = Fields(parse_object(exchange.read_body()))
    model.require_name(fields)
    refuse_unsupported(fields)
    prompt = model.family.complete(_text(fields))
    respond(exchange, model, fields, prompt, fields.integer("max_tokens", 1) or _DEFAULT_TOKENS, TextForm())


def _text(fields: Fields) -> str:
    given = fields.value("prompt")
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if not isinstance(given, str):
        raise fields.wrong("prompt", "must be one text: token ids and several prompts are not supported")
    return given
