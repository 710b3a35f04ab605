"""What a backend was told on the command line, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence

from pod.exit_codes import BAD_SETTING, Fault
from serve.backend import Settings


def option_pairs(given: Sequence[str]) -> Dict[str, str]:
    """Return what `--backend-option KEY=VALUE` said, flag by flag."""
    pairs: Dict[str, str] = {}
    for each in given:
        key, separator, value = each.partition("=")
        if not separator or not key or key in pairs:
            raise Fault(BAD_SETTING, f"--backend-option '{each}' must be key=value, each key once")
        pairs[key] = value
    return pairs


def check_names(backend: str, settings: Settings, allowed: Sequence[str]) -> None:
    """Refuse an option that the backend does not have."""
    unknown = sorted(set(settings.options) - set(allowed))
    if unknown:
        raise Fault(
            BAD_SETTING, f"the {backend} backend has no option '{unknown[0]}': it has {', '.join(allowed)}"
        )


def choice(backend: str, settings: Settings, name: str, default: str, allowed: Sequence[str]) -> str:
    """Return an option that is one of a few words."""
    value = settings.options.get(name, default)
    if value not in allowed:
        raise Fault(
            BAD_SETTING, f"the {backend} option {name} is '{value}': it must be one of {', '.join(allowed)}"
        )
    return value


def model_folder(backend: str, settings: Settings) -> Path:
    """Return the folder of the model, which must be there."""
    if settings.model_path is None:
        raise Fault(BAD_SETTING, f"--model-path is missing: the {backend} backend loads a model from there")
    folder = Path(settings.model_path)
    if not folder.is_dir():
        raise Fault(BAD_SETTING, f"--model-path is '{folder}', which is not a folder")
    return folder


def context_length(settings: Settings, model: int) -> int:
    """Return how many tokens prompt and answer may have; `model` is what the model allows, 0 if unknown."""
    wanted = settings.context_length
    if wanted is None and model <= 0:
        raise Fault(
            BAD_SETTING, "the model's config does not say how long its context is: set --context-length"
        )
    if wanted is not None and 0 < model < wanted:
        raise Fault(BAD_SETTING, f"--context-length is {wanted}, but the model's config allows {model}")
    return wanted or model
