"""POST /: the interface of the api.py of ChatGLM-6B and ChatGLM2-6B (THUDM/ChatGLM2-6B@5916e3f api.py)."""

from __future__ import annotations

import time
from typing import List

from serve.answer import Answer
from serve.fields import Fields
from serve.json_body import parse_object
from serve.messages import Message
from serve.model import Model
from serve.replies import Content, Reply
from serve.respond import with_generation
from serve.wire.exchange import Exchange

_DEFAULT_LENGTH = 2048  # tokens of prompt and answer together


def answer_prompt(exchange: Exchange, model: Model) -> None:
    """Answer `prompt` after `history`, a list of pairs of question and answer, in one piece."""
    fields = Fields(parse_object(exchange.read_body()))
    question = fields.required_text("prompt")
    history = _history(fields)
    messages = [
        message for asked, said in history for message in (Message("user", asked), Message("assistant", said))
    ]
    prompt = model.family.chat([*messages, Message("user", question)], (), None)
    length = fields.integer("max_length", 1) or min(_DEFAULT_LENGTH, model.backend.context_length)
    prompt_tokens = model.count(prompt, length)
    sampling = model.sampling(fields, length - prompt_tokens, prompt_tokens)
    generation = model.start(prompt, sampling, prompt_tokens)

    def write() -> None:
        response = _text(Answer(generation, exchange.peer_is_gone))
        body = {
            "response": response,
            "history": [*history, [question, response]],
            "status": 200,
            "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        }
        exchange.send_json(200, body)

    with_generation(model, generation, write)


def _history(fields: Fields) -> List[List[str]]:
    history: List[List[str]] = []
    for index, pair in enumerate(fields.array("history")):
        texts = [text for text in pair if isinstance(text, str)] if isinstance(pair, list) else []
        if not isinstance(pair, list) or len(pair) != 2 or len(texts) != 2:
            raise fields.wrong(f"history[{index}]", "must be a pair of texts: question and answer")
        history.append(texts)
    return history


def _text(answer: Answer) -> str:
    reply = Reply()
    parts = [part for text in answer if text is not None for part in reply.feed(text)]
    return "".join(part.text for part in [*parts, *reply.finish()] if isinstance(part, Content))
