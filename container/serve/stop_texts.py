"""Finding the texts that end an answer, in text that comes in pieces."""

from __future__ import annotations

from typing import Sequence, Tuple


class StopTexts:
    """Passes text on, except what might still become one of the stop texts."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""

    def feed(self, text: str) -> Tuple[str, bool]:
        """Return what may be shown now, and whether a stop text was found (then that is all there is)."""
        pending = self._held + text
        found = [at for at in (pending.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self._held = ""
            return pending[: min(found)], True
        keep = max((overlap(pending, stop) for stop in self._stops), default=0)
        self._held = pending[len(pending) - keep :]
        return pending[: len(pending) - keep], False

    def rest(self) -> str:
        """Return what was held back, at the end of the text."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of `text` begin `stop`, but are not all of it."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
