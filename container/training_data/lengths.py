"""How long the examples are in tokens, and which lengths to train with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Sequence

from training_data.conversation import Piece
from training_data.json_lines import Record
from training_data.tokens import Count

PERCENTILES = (50, 90, 95, 99, 100)
HELD = 99
"""Of a hundred examples, how many the lengths to choose hold whole."""

MULTIPLE = 16
"""Flash attention takes sequence lengths that 16 divides (mindformers@3354237 docs/model_cards/glm3.md)."""

PREFIX = 2
"""`[gMASK]` and `sop`, which every family's tokenizer adds to a prompt."""

END = 1
"""The end token after an answer."""


@dataclass(frozen=True)
class Length:
    """Tokens of one example: what is given, what is to be learned."""

    source: int
    target: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.source + self.target


def of_texts(record: Record, columns: Sequence[str], count: Count) -> Length:
    """Return the length of a record whose `columns` are the prompt and the answer."""
    prompt, answer = (record[column] for column in columns[:2])
    return Length(count(prompt) + PREFIX, count(answer) + END)


def of_pieces(pieces: List[Piece], count: Count) -> Length:
    """Return the length of a conversation; each message begins with its role and a line of metadata."""
    sizes = [(piece.learned, 1 + count(f"{piece.metadata}\n") + count(piece.content)) for piece in pieces]
    learned = sum(size for learns, size in sizes if learns)
    return Length(PREFIX + END + sum(size for _, size in sizes) - learned, learned)


def percentile(values: Sequence[int], percent: int) -> int:
    """Return the least of `values` that at least `percent` of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def rows(lengths: List[Length]) -> List[Dict[str, Any]]:
    """Return the percentiles of source, target and both, a row each."""
    parts = {
        "source": [length.source for length in lengths],
        "target": [length.target for length in lengths],
        "total": [length.total for length in lengths],
    }
    return [
        {"part": part, **{f"p{percent}": percentile(values, percent) for percent in PERCENTILES}}
        for part, values in parts.items()
    ]


def to_choose(lengths: List[Length], paired: bool) -> Dict[str, int]:
    """Return the lengths to train with, the least that hold 99 of 100 examples.

    For `paired` texts the trainer cuts source and target apart and wants seq_length to be their sum and 1
    (mindformers@3354237 check_rules.py), so each of them holds 99 of 100. A conversation is cut as a whole.
    """
    if not paired:
        return {"seq_length": _rounded(percentile([length.total for length in lengths], HELD))}
    source = percentile([length.source for length in lengths], HELD)
    target = percentile([length.target for length in lengths], HELD)
    whole = _rounded(source + target + 1)
    return {"seq_length": whole, "max_source_length": source, "max_target_length": whole - source - 1}


def _rounded(length: int) -> int:
    return -(-length // MULTIPLE) * MULTIPLE
