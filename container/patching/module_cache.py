"""Where transformers keeps its own copies of remote code, and how to have it take the code that is there now.

transformers copies modeling files of a local model to <cache>/transformers_modules/<name of the folder>/ and
imports them from there (v4.27.4 and v4.30.2 src/transformers/dynamic_module_utils.py); a copy that outlives a
patch would be what really runs.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import List, Mapping, MutableMapping

_MODULES = "transformers_modules"


def cache_folder(env: Mapping[str, str]) -> Path:
    """Return the folder that transformers uses in the environment `env`."""
    if env.get("HF_MODULES_CACHE"):
        return Path(env["HF_MODULES_CACHE"])
    if env.get("HF_HOME"):
        return Path(env["HF_HOME"]) / "modules"
    cache = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME") or "~").expanduser() / ".cache")
    return Path(cache) / "huggingface" / "modules"


def forget(model: Path, env: Mapping[str, str]) -> List[Path]:
    """Remove the copies of the code of the model in the folder `model`, and return what was removed."""
    names = {model.name, model.name.replace(".", "_dot_").replace("-", "_hyphen_")}
    removed = [cache_folder(env) / _MODULES / name for name in sorted(names)]
    removed = [path for path in removed if path.is_dir()]
    for path in removed:
        shutil.rmtree(str(path))
    return removed


def use_own(folder: Path, env: MutableMapping[str, str]) -> None:
    """Have transformers, which must not be imported yet, keep its copies in `folder`, emptied here."""
    if folder.exists():
        shutil.rmtree(str(folder))
    folder.mkdir(parents=True)
    env["HF_MODULES_CACHE"] = str(folder)
