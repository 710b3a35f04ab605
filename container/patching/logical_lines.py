"""A Python source as its logical lines, so that strings and comments are never taken for code."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import Iterable, List, NamedTuple, Tuple

_NO_CODE = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)


class LogicalLine(NamedTuple):
    """One statement, or the head of a block. `start` and `end` are row (from 1) and column (from 0)."""

    words: Tuple[str, ...]
    starts: Tuple[Tuple[int, int], ...]
    start: Tuple[int, int]
    end: Tuple[int, int]


class Replacement(NamedTuple):
    """New text for the source between two places; "" for a whole line leaves no empty one."""

    start: Tuple[int, int]
    end: Tuple[int, int]
    text: str


def logical_lines(source: str) -> List[LogicalLine]:
    """Return the logical lines of `source`; `SyntaxError` where it is no Python."""
    ast.parse(source)
    lines: List[LogicalLine] = []
    tokens: List[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(iter([*_rows(source), ""]).__next__):
        if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
            if tokens:
                lines.append(_line(tokens))
            tokens = []
        elif token.type not in _NO_CODE:
            tokens.append(token)
    return lines


def replaced(source: str, replacements: Iterable[Replacement]) -> str:
    """Return `source` with the replacements, which must not overlap, and every other byte as it was."""
    rows = _rows(source)
    offsets = [0]
    for row in rows:
        offsets.append(offsets[-1] + len(row))
    for start, end, text in sorted(replacements, reverse=True):
        first, last = offsets[start[0] - 1] + start[1], offsets[end[0] - 1] + end[1]
        if not text and not source[offsets[start[0] - 1] : first].strip():
            first, last = offsets[start[0] - 1], offsets[end[0]]
        source = source[:first] + text + source[last:]
    return source


def _rows(source: str) -> List[str]:
    return io.StringIO(source, newline="").readlines()


def _line(tokens: List[tokenize.TokenInfo]) -> LogicalLine:
    return LogicalLine(
        tuple(token.string for token in tokens),
        tuple(token.start for token in tokens),
        tokens[0].start,
        tokens[-1].end,
    )
