"""Stands in for PyYAML where the oldest Python has none: reads and writes JSON, which is YAML."""

from __future__ import annotations

import json


class YAMLError(Exception):
    """What PyYAML raises for text that it cannot read."""


def safe_load(text):
    """Read JSON, or the plain words and numbers of YAML."""
    plain = {"True": True, "true": True, "False": False, "false": False, "": None, "null": None}
    if text in plain:
        return plain[text]
    try:
        return json.loads(text)
    except ValueError as error:
        if text[:1] in "{[":
            raise YAMLError(f"not closed:\n  {error}") from error
    return float(text) if text.endswith(".e-5") else text


def safe_dump(value, sort_keys=True, allow_unicode=False):
    """Write JSON."""
    return json.dumps(value, sort_keys=sort_keys, ensure_ascii=not allow_unicode)
