"""The folder of the vendor's scripts in a source tree."""

from __future__ import annotations

from pathlib import Path

from pod.exit_codes import BAD_ARTIFACT, Fault

EXAMPLE = "mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b"

SLICED_MODELING = "patches/modeling_chatglm_npu_parallel.py"
ATB_MODELING = "patches/models/modeling_chatglm_ascend.py"


def example(tree: Path) -> Path:
    """Return the folder of the scripts in the source tree `tree`, or `tree` if it is that folder itself."""
    for folder in (tree / EXAMPLE, tree):
        if (folder / "main.py").is_file() and (folder / "process_weights.py").is_file():
            return folder.resolve()
    raise Fault(
        BAD_ARTIFACT,
        f"--tree {tree} has no {EXAMPLE} with main.py and process_weights.py; take the source tree of "
        "ModelLink at 839b2483",
    )


def script(tree: Path, name: str) -> str:
    """Return the path of one file of the example."""
    path = example(tree) / name
    if not path.is_file():
        raise Fault(BAD_ARTIFACT, f"{path} is missing; take the source tree of ModelLink at 839b2483")
    return str(path)
