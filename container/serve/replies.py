"""From the model's text to an answer: content, and calls of tools.

In the formats of ChatGLM3 and GLM-4 a turn of the assistant begins with a line of metadata: empty for
content, the tool's name for a call. Several turns may follow each other, each begun by `<|assistant|>`.
Sources: THUDM/ChatGLM3@1d2746a PROMPT_en.md; THUDM/GLM-4@11e244c basic_demo/openai_api_server.py.
"""

from __future__ import annotations

import json
from typing import Iterator, NamedTuple, Optional, Sequence, Union

from serve.errors import ApiError
from serve.json_body import parse_object
from serve.literals import LiteralError, parse_call
from serve.stop_texts import overlap

_TURN = "<|assistant|>"
_FENCE = "```"
_LONGEST_CALL = 65536


class Content(NamedTuple):
    """Text for the user."""

    text: str


class Call(NamedTuple):
    """A tool to call, with its arguments as JSON text."""

    name: str
    arguments: str


Part = Union[Content, Call]


class Reply:
    """Takes the model's text as it comes and gives the parts of the answer as soon as they are certain.

    Without tools everything is content. With `forced` the text is the body of a call of that tool, whose
    name the prompt has already. A call that cannot be read is given as content, so that nothing the model
    said is lost.
    """

    def __init__(self, tools: Sequence[str] = (), forced: Optional[str] = None) -> None:
        self._tools = tuple(tools)
        self._unread = ""  # may hold the beginning of the mark of a turn
        self._turn = ""  # not yet given out
        self._name = forced
        self._in_content = False

    def feed(self, text: str) -> Iterator[Part]:
        """Take the next text."""
        self._unread += text
        while self._tools and _TURN in self._unread:
            turn, _, self._unread = self._unread.partition(_TURN)
            yield from self._take(turn)
            yield from self._end_turn()
        kept = overlap(self._unread, _TURN) if self._tools else 0
        certain = self._unread[: len(self._unread) - kept]
        self._unread = self._unread[len(certain) :]
        yield from self._take(certain)

    def finish(self) -> Iterator[Part]:
        """Take the end of the text."""
        yield from self._take(self._unread)
        self._unread = ""
        yield from self._end_turn()

    def _take(self, text: str) -> Iterator[Part]:
        self._turn += text
        if self._name is None and not self._in_content:
            self._read_metadata()
        if self._in_content and self._turn:
            yield Content(self._turn)
            self._turn = ""

    def _read_metadata(self) -> None:
        # The empty line of metadata and the tokenizer's space before the content are not content.
        self._turn = self._turn.lstrip()
        line, ended, rest = self._turn.partition("\n")
        name = line.strip()
        if ended and name in self._tools:
            self._name, self._turn = name, rest
        elif self._turn:
            self._in_content = bool(ended) or not any(tool.startswith(name) for tool in self._tools)

    def _end_turn(self) -> Iterator[Part]:
        text = self._turn
        if self._name is not None:
            yield _call(self._name, text) or Content(f"{self._name}\n{text}")
        elif text:
            yield Content(text)
        self._turn, self._name, self._in_content = "", None, False


def _call(name: str, text: str) -> Optional[Call]:
    body = _unfenced(text.strip())
    if len(body) > _LONGEST_CALL:
        return None
    try:
        arguments = (
            parse_object(body.encode("utf-8", "replace"))
            if body[:1] == "{"
            else parse_call(body, "tool_call")
        )
        return Call(name, json.dumps(arguments, ensure_ascii=False, allow_nan=False))
    except (ApiError, LiteralError, ValueError):
        return None


def _unfenced(text: str) -> str:
    """Return the code in a fence of Markdown, or the text if it is not fenced."""
    if not (text.startswith(_FENCE) and text.endswith(_FENCE) and len(text) >= 2 * len(_FENCE)):
        return text
    inner = text[len(_FENCE) : -len(_FENCE)]
    language, ended, code = inner.partition("\n")
    is_language = bool(ended) and (not language.strip() or language.strip().isalpha())
    return (code if is_language else inner).strip()
