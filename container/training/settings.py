"""A configuration with some of its keys changed.

MindFormers reads YAML 1.1 (PyYAML), in which `1e-5` is text and `1.e-5` a number.
"""

from __future__ import annotations

import re
from typing import Any, List, Sequence, Tuple

from pod.exit_codes import BAD_SETTING, IMAGE_MISMATCH, Fault

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+")
_PART = re.compile(r"([^.\[\]]+)((?:\[[^\]]+\])*)(?:\.|$)")


def yaml() -> Any:  # noqa: ANN401 (a package that only the image has)
    """Return the image's PyYAML."""
    try:
        import yaml as package  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"this image has no PyYAML ({error}); MindFormers needs it, use an image that has both",
        ) from error
    return package


def read_value(text: str) -> Any:  # noqa: ANN401 (whatever YAML can say)
    """Return the value of `text`, read as YAML 1.1, but with 1e-5 as the number that it looks like."""
    try:
        value = yaml().safe_load(text)
    except yaml().YAMLError as error:
        raise Fault(BAD_SETTING, f"{text!r} is no YAML value: {' '.join(str(error).split())}") from error
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(text.strip()) else value


def apply(document: Any, settings: Sequence[Tuple[str, str]]) -> None:  # noqa: ANN401
    """Change `document` by each (dotted key, value). Every key but the last must exist.

    `name[Type]` is the entry of a list whose `type` is that, `name[0]` the first one.
    """
    for path, text in settings:
        *parents, last = _keys(path)
        at = document
        for key in parents:
            at = _child(at, key, path)
        if last.startswith("[") or not isinstance(at, dict):
            raise Fault(BAD_SETTING, f"{path!r} must end with a key of a mapping, as in runner_config.epochs")
        at[last] = read_value(text)


def _keys(path: str) -> List[str]:
    """Return the parts of `path`: `a.b[C].d` is a, b, [C], d."""
    parts: List[str] = []
    end = 0
    for match in _PART.finditer(path):
        if match.start() != end:
            break
        end = match.end()
        parts += [match.group(1), *re.findall(r"\[[^\]]+\]", match.group(2))]
    if end != len(path) or path.endswith("."):
        raise Fault(
            BAD_SETTING,
            f"{path!r} is no dotted key; allowed are the likes of a.b and callbacks[CheckpointMonitor].c",
        )
    return parts


def _child(at: Any, key: str, path: str) -> Any:  # noqa: ANN401
    if key.startswith("["):
        return _entry(at, key[1:-1], path)
    if not isinstance(at, dict) or key not in at:
        has = ", ".join(map(str, at)) if isinstance(at, dict) else f"no keys, it is {at!r}"
        raise Fault(BAD_SETTING, f"{path!r}: the configuration has no {key!r} there; it has {has}")
    return at[key]


def _entry(at: Any, name: str, path: str) -> Any:  # noqa: ANN401
    entries = at if isinstance(at, list) else []
    if name.isdigit() and int(name) < len(entries):
        return entries[int(name)]
    for entry in entries:
        if isinstance(entry, dict) and entry.get("type") == name:
            return entry
    types = ", ".join(str(entry.get("type")) for entry in entries if isinstance(entry, dict))
    raise Fault(BAD_SETTING, f"{path!r}: the list has no entry of type {name!r}; it has {types or 'none'}")
