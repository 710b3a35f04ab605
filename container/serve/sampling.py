"""How the next token is chosen, and when to stop."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple


class Sampling(NamedTuple):
    """`max_tokens` is at least 1; a `temperature` of 0 is greedy; `stop` texts end the answer."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    stop: Tuple[str, ...] = ()
    seed: Optional[int] = None
