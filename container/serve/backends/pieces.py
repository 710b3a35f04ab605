"""From tokens to the pieces that the server passes on."""

from __future__ import annotations

from contextlib import closing
from typing import Callable, Generator, Set

from serve.backend import Piece
from serve.backends.growing_text import GrowingText
from serve.backends.vocabulary import Vocabulary


def pieces(
    tokens: Generator[int, None, None],
    vocabulary: Vocabulary,
    ends: Set[int],
    max_tokens: int,
    cancelled: Callable[[], bool],
) -> Generator[Piece, None, None]:
    """Yield the text of `tokens` until one of `ends`, or `max_tokens`; the end token counts as one.

    `tokens` is closed at the end, however that comes.
    """
    text = GrowingText(vocabulary.text)
    count = 0
    with closing(tokens):
        for token in tokens:
            if cancelled():
                return
            count += 1
            if token in ends:
                yield Piece("", 1, "stop")
                return
            if count == max_tokens:
                yield Piece(text.add(token), 1, "length")
                return
            yield Piece(text.add(token))
        # A model that runs into the end of its own room says so by ending early.
        yield Piece("", 0, "length")
