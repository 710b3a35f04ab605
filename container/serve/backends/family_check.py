"""Whether a tokenizer has what the prompts of a generation are made of."""

from __future__ import annotations

from serve.backends.vocabulary import Vocabulary
from serve.messages import Message
from serve.prompts import FAMILIES


def check_family(family: str, vocabulary: Vocabulary) -> None:
    """Put a prompt together, so that a wrong `--model-family` ends the load and not every request."""
    prompt = FAMILIES[family].chat([Message("user", "?")], (), None)
    vocabulary.ids(prompt)
    vocabulary.ends(prompt.end_tokens)
