"""What the stand-ins for ModelLink's ChatGLM2 example share.

They have the flags, the files read and written, and the traps of the scripts of aeeeeeep/ModelLink@839b2483,
over weights that are a line of text.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

LAYERS = 4


def pause() -> None:
    """Give a test the time to kill this process between two files."""
    time.sleep(float(os.environ.get("STUB_SECONDS", "0")))


def mode() -> str:
    """The switch of the vendor's scripts: sparse wins."""
    if os.environ.get("ENABLE_SPARSE", "0") == "1":
        return "sparse"
    return "quant" if os.environ.get("ENABLE_QUANT", "0") == "1" else "float"


def config_of(model: str) -> dict:
    return json.loads((Path(model) / "config.json").read_text())


def weights_of(model: str) -> str:
    index = json.loads((Path(model) / "pytorch_model.bin.index.json").read_text())
    return "".join((Path(model) / name).read_text() for name in sorted(set(index["weight_map"].values())))


def npy(folder: str, name: str) -> str:
    return (Path(folder) / f"{name}.npy").read_text()
