"""Typed access to the fields of a request."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, Optional

from serve.errors import ApiError
from serve.json_body import kind_of


class Fields:
    """The fields of one JSON object: absent or null gives the default, a wrong type gives 400."""

    def __init__(self, values: Mapping[str, object], where: str = "") -> None:
        self._values = values
        self._where = where

    def name(self, field: str) -> str:
        """Return the field's name as OpenAI's `param` has it, such as `messages[0].role`."""
        return f"{self._where}.{field}" if self._where else field

    def has(self, field: str) -> bool:
        """Say whether the field is there and not null."""
        return self._values.get(field) is not None

    def value(self, field: str) -> object:
        """Return the field as it is."""
        return self._values.get(field)

    def required_text(self, field: str) -> str:
        """Return a string that must be there."""
        text = self.text(field)
        if text is None:
            raise self.wrong(field, "is missing")
        return text

    def text(self, field: str) -> Optional[str]:
        """Return a string."""
        value = self._values.get(field)
        if value is None or isinstance(value, str):
            return value
        raise self.wrong_type(field, "a string")

    def flag(self, field: str, default: bool) -> bool:
        """Return a boolean."""
        value = self._values.get(field)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        raise self.wrong_type(field, "a boolean")

    def number(self, field: str, low: float, high: float) -> Optional[float]:
        """Return a number within bounds."""
        value = self._values.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong_type(field, "a number")
        if not (math.isfinite(value) and low <= value <= high):
            raise self.wrong(field, f"is {value}: it must be from {low:g} to {high:g}")
        return float(value)

    def integer(self, field: str, low: int, high: Optional[int] = None) -> Optional[int]:
        """Return a whole number of at least `low`, and at most `high`."""
        value = self._values.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong_type(field, "a whole number")
        if value < low:
            raise self.wrong(field, f"is {value}: it must be at least {low}")
        if high is not None and value > high:
            raise self.wrong(field, f"is {value}: it must be at most {high}")
        return value

    def child(self, field: str) -> Optional[Fields]:
        """Return the fields of an object."""
        value = self._values.get(field)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong_type(field, "an object")
        return Fields(value, self.name(field))

    def children(self, field: str) -> List[Fields]:
        """Return the fields of every object in an array."""
        return [self._element(field, index, value) for index, value in enumerate(self.array(field))]

    def array(self, field: str) -> List[object]:
        """Return an array; an absent one is empty."""
        value = self._values.get(field)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong_type(field, "an array")
        return value

    def raw(self) -> Dict[str, object]:
        """Return the object itself."""
        return dict(self._values)

    def wrong(self, field: str, problem: str) -> ApiError:
        """Return the error of a field whose value cannot be used."""
        name = self.name(field)
        return ApiError(400, f"'{name}' {problem}", code="invalid_value", param=name)

    def wrong_type(self, field: str, wanted: str) -> ApiError:
        """Return the error of a field of another type than `wanted`."""
        return self.wrong(field, f"is of the type {kind_of(self._values.get(field))}: it must be {wanted}")

    def _element(self, field: str, index: int, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self.wrong(f"{field}[{index}]", f"is of the type {kind_of(value)}: it must be an object")
        return Fields(value, f"{self.name(field)}[{index}]")
