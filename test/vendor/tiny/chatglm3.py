"""The words that make a ChatGLM3 of MindFormers one layer on a CPU, as test/cluster/mindformers makes them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2] / "cluster/mindformers/root/opt/mindformers"
PROGRAM = ROOT / "run_mindformer.py"
"""Starts MindFormers with the command line of upstream's run_mindformer.py at 3354237, which no package holds."""

TINY = ROOT / "tiny_chatglm3.py"
FINETUNE = "configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml"
PREDICT = "configs/glm3/predict_glm3_6b.yaml"


def configs() -> Path:
    """Return the configurations of the package, which lie beside it."""
    return next(path / "configs" for path in map(Path, sys.path) if (path / "mindformers/__init__.py").is_file())


def source_tree(folder: Path) -> Path:
    """Put what a pinned source tree holds into `folder`: the program, and the package's configurations."""
    folder.mkdir()
    (folder / "run_mindformer.py").symlink_to(PROGRAM)
    (folder / "configs").symlink_to(configs())
    return folder


def on_cpu(words: list[str]) -> list[str]:
    """Return the words for a device that is none."""
    return ["--device_target", "CPU", "--use_parallel", "False", *words]
