"""JSON from a client, read so that no document can harm the server."""

from __future__ import annotations

import json
from typing import Dict, List, NoReturn

from serve.errors import ApiError

_DEPTH = 64
_DIGITS = 20  # those of 64 bits: the bounds of a tool's parameters often are their limits


def parse_object(body: bytes) -> Dict[str, object]:
    """Return the JSON object of a request's body, or raise 400."""
    if not body:
        raise _bad("the body is empty: a JSON object is needed")
    value = parse(_decode(body))
    if not isinstance(value, dict):
        raise _bad(f"the body is a JSON {kind_of(value)}: an object is needed")
    return value


def parse(text: str) -> object:
    """Return the value of JSON text; nesting and integers are bounded, `NaN` is refused."""
    try:
        value: object = json.loads(text, parse_int=_integer, parse_constant=_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise _bad(f"the JSON is nested deeper than {_DEPTH} levels") from None
    except UnicodeEncodeError:
        raise _bad("the JSON has half of a surrogate pair, which is not a character") from None
    except ValueError as error:
        raise _bad(f"the body is not JSON: {error}") from None
    _check_depth(value)
    return value


def kind_of(value: object) -> str:
    """Return the name that JSON has for the type of a value."""
    names = ((bool, "boolean"), (str, "string"), ((int, float), "number"), (list, "array"), (dict, "object"))
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _bad(f"the body is not UTF-8: the byte at {error.start} is 0x{body[error.start]:02x}") from None


def _integer(digits: str) -> int:
    # Python 3.7 takes quadratic time for long integers.
    if len(digits) > _DIGITS:
        raise ValueError(f"an integer has more than {_DIGITS} digits")
    return int(digits)


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check_depth(value: object) -> None:
    level: List[object] = [value]
    for _ in range(_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return
    raise _bad(f"the JSON is nested deeper than {_DEPTH} levels")


def _children(value: object) -> List[object]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, (dict, list))]
    if isinstance(value, list):
        return [child for child in value if isinstance(child, (dict, list))]
    return []


def _bad(message: str) -> ApiError:
    return ApiError(400, message, code="invalid_json")
