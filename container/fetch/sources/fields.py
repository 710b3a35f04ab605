"""The keys of one --source object, checked."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence

from fetch.address import given
from pod.exit_codes import USAGE, Fault


class Fields:
    """The values of a source's JSON object; each getter notes its key as known."""

    def __init__(self, kind: str, data: Dict[str, Any]) -> None:
        self.kind = kind
        self._data = {key: value for key, value in data.items() if key != "kind"}
        self._known: List[str] = []

    def text(self, key: str, default: Optional[str] = None) -> str:
        """Return a string; without `default` it has to be there."""
        value = self._get(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a string that is not empty", value)
        return value

    def url(self, key: str, default: Optional[str] = None) -> str:
        """Return an http(s) URL without credentials."""
        return given(self.text(key, default))

    def flag(self, key: str) -> bool:
        """Return a boolean, false if absent."""
        value = self._get(key)
        if value not in (None, True, False):
            raise self._wrong(key, "true or false", value)
        return bool(value)

    def choice(self, key: str, allowed: Sequence[str]) -> Optional[str]:
        """Return one of the strings `allowed`, None if absent."""
        value = self._get(key)
        if value is not None and value not in allowed:
            raise self._wrong(key, " or ".join(allowed), value)
        return None if value is None else str(value)

    def number(self, key: str) -> Optional[int]:
        """Return an integer from 0, None if absent."""
        value = self._get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self._wrong(key, "an integer from 0", value)
        return value

    def sha256(self, key: str) -> Optional[str]:
        """Return 64 hex digits in lower case, None if absent."""
        value = self._get(key)
        if value is None:
            return None
        text = str(value).lower()
        if len(text) != 64 or set(text) - set("0123456789abcdef"):
            raise self._wrong(key, "64 hex digits", value)
        return text

    def secret(self, key: str) -> Optional[str]:
        """Return the value of the environment variable that `key` names; None if either is absent."""
        name = self._get(key)
        if name is None:
            return None
        if not isinstance(name, str):
            raise self._wrong(key, "the name of an environment variable", name)
        return os.environ.get(name, "").strip() or None

    def objects(self, key: str) -> List[Fields]:
        """Return a list of objects, at least one."""
        value = self._get(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
            raise self._wrong(key, "a list of objects", value)
        return [Fields(f"{self.kind} {key}[{number}]", item) for number, item in enumerate(value)]

    def end(self) -> None:
        """Check that no key is left; `Fault` USAGE names those that are."""
        unknown = sorted(set(self._data) - set(self._known))
        if unknown:
            raise Fault(
                USAGE,
                f"source of kind {self.kind} has unknown keys {', '.join(unknown)}; "
                f"known are {', '.join(sorted(self._known))}",
            )

    def _get(self, key: str) -> Any:  # noqa: ANN401 (JSON is anything)
        self._known.append(key)
        return self._data.get(key)

    def _wrong(self, key: str, allowed: str, value: object) -> Fault:
        return Fault(USAGE, f"source of kind {self.kind} has {key} {value!r}; expected {allowed}")
