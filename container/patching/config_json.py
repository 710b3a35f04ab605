"""Values set in a model's config.json."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, Tuple

from pod.exit_codes import BAD_ARTIFACT, Fault

CONFIG = "config.json"


def patch_config(text: str, values: Mapping[str, Any], file: str) -> Tuple[str, List[str]]:
    """Return `text` with top-level `values` set, and what that changed, in words.

    Keys keep their order, new ones come last; the same values again give the same text.
    """
    config = _read(text, file)
    changes = [_change(config, key, value) for key, value in values.items() if _differs(config, key, value)]
    config.update(values)
    return json.dumps(config, ensure_ascii=False, indent=2) + "\n", changes


def _read(text: str, file: str) -> Dict[str, Any]:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise Fault(BAD_ARTIFACT, f"{file} is not JSON: {error}; download the model again") from error
    if not isinstance(config, dict):
        raise Fault(BAD_ARTIFACT, f"{file} is not a JSON object; download the model again")
    return config


def _differs(config: Mapping[str, Any], key: str, value: object) -> bool:
    return key not in config or json.dumps(config[key]) != json.dumps(value)


def _change(config: Mapping[str, Any], key: str, value: object) -> str:
    after = json.dumps(value, ensure_ascii=False)
    if key not in config:
        return f"{key} added as {after}"
    return f"{key} changed from {json.dumps(config[key], ensure_ascii=False)} to {after}"
