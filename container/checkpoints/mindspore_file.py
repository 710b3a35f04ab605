"""MindSpore's checkpoint files, by MindSpore's own functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple

from checkpoints.files import publish
from checkpoints.tensor import BFLOAT16
from checkpoints.vendor import member, package
from pod.exit_codes import BAD_ARTIFACT, Fault

SUFFIX = ".ckpt"
"""MindSpore adds it to names without it, and loads no file without it."""


def save(path: Path, parameters: Iterable[Tuple[str, Any, str]]) -> int:
    """Write (name, numpy array, dtype) `parameters` to `path`, whole or not at all; return their number.

    Older MindSpore has no bfloat16: asking for it ends with IMAGE_MISMATCH.
    """
    mindspore = package("mindspore")
    tensors = {
        name: mindspore.Tensor(array, dtype=member(mindspore, dtype)) for name, array, dtype in parameters
    }
    save_loaded(path, tensors)
    return len(tensors)


def save_loaded(path: Path, parameters: Dict[str, Any]) -> None:
    """Write `parameters`, MindSpore's own by name, to `path`, there whole or not at all."""
    saved: List[Dict[str, Any]] = [{"name": name, "data": data} for name, data in parameters.items()]
    temporary = path.with_name(f".{path.stem}.partial{SUFFIX}")
    remove(temporary)
    package("mindspore").save_checkpoint(saved, str(temporary))
    temporary.chmod(0o644)  # MindSpore writes 0400, which another user of the store cannot read
    publish(temporary, path)


def load(path: Path) -> Dict[str, Any]:
    """Return the parameters of `path` by name, in the file's order."""
    mindspore = package("mindspore")
    if not path.is_file():
        raise Fault(BAD_ARTIFACT, f"{path} is not there: expected a MindSpore checkpoint")
    try:
        return dict(mindspore.load_checkpoint(str(path)))
    except (ValueError, TypeError, OSError) as error:
        raise Fault(BAD_ARTIFACT, f"{path} cannot be loaded by MindSpore ({error})") from error


def dtype(parameter: Any) -> str:  # noqa: ANN401
    """Return the element type of a loaded parameter by numpy's name, or bfloat16."""
    return str(parameter.dtype).lower().rpartition(".")[2]


def values(parameter: Any) -> Any:  # noqa: ANN401
    """Return the numpy array of a loaded parameter; bfloat16 as float32, which holds it exactly."""
    if dtype(parameter) == BFLOAT16:
        mindspore = package("mindspore")
        parameter = parameter.astype(mindspore.float32)
    return parameter.asnumpy()


def remove(path: Path) -> None:
    """Remove `path` if it is there."""
    if path.exists():
        path.unlink()
