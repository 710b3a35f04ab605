"""MindSpore as the scripts meet it: checkpoints of JSON, a training loop, and a check of the installation."""

from mindspore.checkpoints import (
    Parameter,
    __version__,
    load_checkpoint,
    merge_pipeline_strategys,
    save_checkpoint,
    transform_checkpoints,
)

__all__ = [
    "Parameter",
    "__version__",
    "load_checkpoint",
    "merge_pipeline_strategys",
    "run_check",
    "save_checkpoint",
    "transform_checkpoints",
]


def run_check():
    print(f"MindSpore version:  {__version__}")
    print(
        "The result of multiplication calculation is correct, "
        "MindSpore has been installed on platform [Ascend] successfully!"
    )
