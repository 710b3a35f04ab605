"""What a model is given to continue."""

from __future__ import annotations

from typing import NamedTuple, Tuple


class Special(str):
    """The name of one special token, such as `<|user|>`: looked up, never tokenized as text.

    Text that a client sends is never of this class, so that nobody can speak in another role by writing its
    token (ChatGLM3's reason for the format: THUDM/ChatGLM3@1d2746a PROMPT_en.md).
    """

    __slots__ = ()


class Prompt(NamedTuple):
    """Parts in order, each tokenized by itself without added tokens, as the models' own tokenizers do.

    `question` is the text of the last turn alone. `end_tokens` end a turn besides the tokenizer's end of
    sentence.
    """

    parts: Tuple[str, ...]
    question: str
    end_tokens: Tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the parts as one text, for a backend that tokenizes the whole, and for people."""
        return "".join(self.parts)
