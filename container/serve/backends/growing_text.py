"""Text that grows token by token, in whole characters."""

from __future__ import annotations

from typing import Callable, List, Sequence

_UNFINISHED = "\ufffd"
_LONGEST = 3  # a character of UTF-8 has up to four bytes, so up to three are there while it is unfinished


class GrowingText:
    """Decodes ids as they come.

    Tokenizers give U+FFFD for bytes that are not yet a character, and leave out the space in front of the
    first token that they decode. So the last few ids are decoded anew at every step, from the last but one
    place where all characters were whole, and what is longer and certain is new. Bytes of an unfinished
    character are never given; bytes in the middle that are no character are given as U+FFFD.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._ids: List[int] = []
        self._context = 0  # how many of the ids come before the last place with whole characters
        self._given = 0  # how many characters of the ids' text have been given

    def add(self, token: int) -> str:
        """Return the text that `token` makes certain: empty while a character is unfinished."""
        self._ids.append(token)
        text = self._decode(self._ids)
        certain = text[: len(text) - _unfinished(text)]
        new = certain[self._given :]
        self._given = max(self._given, len(certain))
        if new and len(certain) == len(text):
            self._ids = self._ids[self._context :]
            self._context = len(self._ids)
            self._given = len(self._decode(self._ids))
        return new


def _unfinished(text: str) -> int:
    return min(_LONGEST, len(text) - len(text.rstrip(_UNFINISHED)))
