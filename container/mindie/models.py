"""What MindIE's own models (ATB Models) need of the weights and of the environment."""

from __future__ import annotations

import importlib.util
import json
import logging
from pathlib import Path
from typing import Dict, Mapping, Optional

from pod.exit_codes import BAD_ARTIFACT, IMAGE_MISMATCH, Fault

_log = logging.getLogger(__name__)
_HOME = "ATB_SPEED_HOME_PATH"
_LIBRARIES = "LD_LIBRARY_PATH"
_NAMES = ("chatglm2", "chatglm3", "glm-4")


def check_weights(folder: Path) -> None:
    """Raise `Fault` where the workers would end with a trace that names no cause, and warn where they may.

    They read safetensors only, and a GLM's generation is what `_name_or_path` says
    (Ascend/MindIE-LLM@8b4871ad examples/atb_models/atb_llm: utils/hub.py, models/chatglm/router_chatglm.py).
    """
    if not (folder / "config.json").is_file():
        raise Fault(BAD_ARTIFACT, f"the weights {folder} have no config.json; download the model again")
    if not any(folder.glob("*.safetensors")):
        raise Fault(
            BAD_ARTIFACT,
            f"the weights {folder} are not safetensors, and MindIE reads nothing else; convert them by"
            " ConvertCheckpoint with Runtime.mindIe",
        )
    name = _name(folder / "config.json")
    if not any(known in name.lower() for known in _NAMES):
        _log.warning(
            "_name_or_path in %s is '%s'; MindIE goes by %s in it to know the model, set it by PatchModel",
            folder / "config.json",
            name,
            ", ".join(_NAMES),
        )


def _name(config: Path) -> str:
    try:
        return str(json.loads(config.read_text(encoding="utf-8")).get("_name_or_path", ""))
    except (OSError, ValueError, AttributeError) as error:
        raise Fault(BAD_ARTIFACT, f"{config} is no configuration of a model: {error}") from None


def models_environment(given: Mapping[str, str]) -> Dict[str, str]:
    """Return the variables that the workers need beside `given`: where ATB Models is, and its libraries.

    A package has no set_env.sh that says it, as the guide says it by hand
    (Ascend/MindIE-LLM@8b4871ad docs/zh/user_guide/user_manual/prefill_decode_mixed_deployment.md).
    """
    if given.get(_HOME):
        return {}
    home = _package("atb_llm")
    if home is None:
        raise Fault(
            IMAGE_MISMATCH,
            f"this image has no package atb_llm, and {_HOME} is not set; name the set_env.sh of its ATB"
            " Models in 'setEnvScripts' of Runtime.mindIe",
        )
    libraries = [str(home / "lib"), *filter(None, given.get(_LIBRARIES, "").split(":"))]
    return {_HOME: str(home), _LIBRARIES: ":".join(libraries)}


def _package(name: str) -> Optional[Path]:
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else None
