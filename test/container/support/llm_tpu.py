"""As much of LLM-TPU's source tree as its programs are built from."""

from __future__ import annotations

from pathlib import Path

# The header where demo.cpp looks for it (LLM-TPU@edb7f13e and @909f9dab models/ChatGLM3/demo/demo.cpp: the same file).
DEMO = '#include <iostream>\n#include "sentencepiece/sentencepiece_processor.h"\n#include "bmruntime_interface.h"\n'
HEADS = "model_transform.py --model_name greedy_head --model_def ../../onnx/greedy_head.onnx --mlir greedy_head.mlir\n"


def llm_tpu_tree(tree: Path, *, heads: bool) -> Path:
    """Make the tree in `tree` and return it; with `heads` its compile.sh leaves the choice of a token to networks."""
    project = tree / "models" / "ChatGLM3"
    for folder in ("compile", "python_demo", "demo", "support/include", "support/lib_pcie", "support/lib_soc"):
        (project / folder).mkdir(parents=True)
    (project / "compile" / "compile.sh").write_text(f"#!/bin/bash\n{HEADS if heads else ''}model_tool --combine\n")
    (project / "demo" / "demo.cpp").write_text(DEMO)
    (project / "support" / "token_config").mkdir()
    (project / "support" / "token_config" / "tokenizer_config.json").write_text("{}")
    (project / "support" / "lib_pcie" / "libbmrt.so").write_text("a pointer of git-lfs")
    return tree
