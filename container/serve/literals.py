"""The literals of Python that a model writes in a call, read without Python's own parser or `eval`.

ChatGLM3 writes `tool_call(city='Beijing', days=3)` (THUDM/ChatGLM3@1d2746a PROMPT_en.md), which upstream
evaluates. What a model writes is under the control of whoever talks to it, and deep nesting makes even
`ast.parse` of old Pythons crash.
"""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
      | (?P<number>[+-]?(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?(?![0-9A-Za-z_.]))
      | (?P<name>[^\W0-9]\w*)
      | (?P<mark>[()\[\]{},:=])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0", "\n": ""}
_NAMED = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_CLOSED_BY = {"[": "]", "(": ")"}
_DEPTH = 32

_Token = Tuple[str, str]


class LiteralError(Exception):
    """The text is not a call with literal arguments."""


def parse_call(text: str, function: str) -> Dict[str, object]:
    """Return the keyword arguments of `function(name=literal, ...)`."""
    reader = _Tokens(_tokenize(text))
    reader.expect("name", function)
    reader.expect("mark", "(")
    arguments: Dict[str, object] = {}
    while not reader.take_mark(")"):
        name = reader.expect("name")
        reader.expect("mark", "=")
        arguments[name] = reader.literal(_DEPTH)
        reader.separate(")")
    reader.expect("end")
    return arguments


class _Tokens:
    def __init__(self, tokens: List[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def expect(self, kind: str, text: str = "") -> str:
        found = self._tokens[self._at]
        if found[0] != kind or (text and found[1] != text):
            raise LiteralError(f"'{found[1]}' where {text or kind} should be")
        self._at += 1
        return found[1]

    def take_mark(self, mark: str) -> bool:
        taken = self._tokens[self._at] == ("mark", mark)
        self._at += taken
        return taken

    def separate(self, closing: str) -> None:
        if self._tokens[self._at] != ("mark", closing):
            self.expect("mark", ",")

    def literal(self, depth: int) -> object:
        kind, text = self._tokens[self._at]
        self._at += 1
        if depth == 0:
            raise LiteralError("nested too deeply")
        if kind == "text":
            return self._joined(text)
        if kind == "number":
            return float(text) if re.search(r"[.eE]", text) else int(text)
        if kind == "name" and text in _NAMED:
            return _NAMED[text]
        return self._container(kind, text, depth)

    def _joined(self, text: str) -> str:
        parts = [_unquoted(text)]
        while self._tokens[self._at][0] == "text":
            parts.append(_unquoted(self.expect("text")))
        return "".join(parts)

    def _container(self, kind: str, text: str, depth: int) -> object:
        if kind == "mark" and text in _CLOSED_BY:
            return self._items(_CLOSED_BY[text], depth)
        if kind == "mark" and text == "{":
            return self._pairs(depth)
        raise LiteralError(f"'{text}' is not a literal")

    def _items(self, closing: str, depth: int) -> List[object]:
        items: List[object] = []
        while not self.take_mark(closing):
            items.append(self.literal(depth - 1))
            self.separate(closing)
        return items

    def _pairs(self, depth: int) -> Dict[str, object]:
        pairs: Dict[str, object] = {}
        while not self.take_mark("}"):
            key = _unquoted(self.expect("text"))
            self.expect("mark", ":")
            pairs[key] = self.literal(depth - 1)
            self.separate("}")
        return pairs


def _tokenize(text: str) -> List[_Token]:
    tokens: List[_Token] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise LiteralError(f"'{text[at : at + 20]}' is not a literal")
        tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        at = match.end()
    return [*tokens, ("end", "")]


def _unquoted(text: str) -> str:
    size = 3 if len(text) >= 6 and text[:3] in ("'''", '"""') else 1
    return _ESCAPE.sub(_unescaped, text[size:-size])


def _unescaped(match: re.Match[str]) -> str:
    code = match.group(1)
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code if code in "\\'\"" else f"\\{code}")
