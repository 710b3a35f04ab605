"""A folder in the layout of Hugging Face: weight files with their index, configuration, code, tokenizer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable, Dict, List, Tuple

from checkpoints import safetensors, torch_zip
from checkpoints.files import copy_file, replace_text
from checkpoints.safetensors import OutgoingTensor
from checkpoints.tensor import StoredTensor
from pod.exit_codes import BAD_ARTIFACT, Fault

Reader = Callable[[Path], Dict[str, StoredTensor]]

KINDS: Tuple[Tuple[str, str, Reader], ...] = (
    ("model", ".safetensors", safetensors.read),
    ("pytorch_model", ".bin", torch_zip.read),
)
"""Name, suffix and reader of the weight files that a folder may hold; the first kind found is taken."""

WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf")
INDEX_SUFFIX = ".index.json"
SHARD_BYTES = 5 * 1000**3
TOKENIZERS = ("tokenizer.model", "ice_text.model")


def weights(folder: Path) -> Dict[str, StoredTensor]:
    """Return every tensor of `folder`; the files that its index names must hold the tensors it names."""
    for stem, suffix, read in KINDS:
        files = sorted(folder.glob(f"{stem}*{suffix}"))
        if files:
            return _indexed(folder / f"{stem}{suffix}{INDEX_SUFFIX}", files, read)
    found = ", ".join(sorted(path.name for path in folder.iterdir())) if folder.is_dir() else "no folder"
    raise Fault(
        BAD_ARTIFACT,
        f"{folder} has no weights: expected model*.safetensors or pytorch_model*.bin, found {found}",
    )


def _indexed(index: Path, files: List[Path], read: Reader) -> Dict[str, StoredTensor]:
    names = _index(index)
    wanted = sorted({index.parent / file for file in names.values()}) if names else files
    missing = [path.name for path in wanted if not path.is_file()]
    if missing:
        raise Fault(BAD_ARTIFACT, f"{index} names files that are not there: {', '.join(missing)}")
    tensors: Dict[str, StoredTensor] = {}
    for path in wanted:
        tensors.update(read(path))
    absent = [name for name in names if name not in tensors]
    if absent:
        raise Fault(BAD_ARTIFACT, f"{index} names {absent[0]} in {names[absent[0]]}, which does not hold it")
    return tensors


def _index(path: Path) -> Dict[str, str]:
    if not path.is_file():
        return {}
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        return {str(name): str(file) for name, file in names.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Fault(
            BAD_ARTIFACT, f"{path} is no index of weights ({type(error).__name__}: {error})"
        ) from error


def write_weights(folder: Path, tensors: List[OutgoingTensor], most: int = SHARD_BYTES) -> int:
    """Write `tensors` as shards of at most `most` bytes and their index; return the number of shards.

    Shards of an earlier attempt that are not of this one are removed first: readers take what they find.
    """
    groups = safetensors.shards(tensors, most)
    files = [f"model-{number:05d}-of-{len(groups):05d}.safetensors" for number in range(1, len(groups) + 1)]
    for old in [*folder.glob("model-*.safetensors"), *folder.glob(".model-*.partial")]:
        if old.name not in files:
            old.unlink()
    for file, group in zip(files, groups):
        safetensors.write(folder / file, group)
    index = {
        "metadata": {"total_size": sum(tensor.size for tensor in tensors)},
        "weight_map": {tensor.name: file for file, group in zip(files, groups) for tensor in group},
    }
    replace_text(folder / f"model.safetensors{INDEX_SUFFIX}", [json.dumps(index, indent=2), "\n"])
    return len(files)


def copy_all_but_weights(base: Path, folder: Path) -> List[str]:
    """Copy configuration, code and tokenizer of `base` into `folder`; return the names."""
    if not (base / "config.json").is_file():
        raise Fault(
            BAD_ARTIFACT, f"{base} has no config.json: it is not a model in the layout of Hugging Face"
        )
    names = []
    for path in sorted(base.rglob("*")):
        name = path.relative_to(base)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and not _is_weight(path.name):
            copy_file(path, folder / name)
            names.append(name.as_posix())
    return names


def _is_weight(name: str) -> bool:
    return name.endswith(WEIGHT_SUFFIXES) or name.endswith(tuple(s + INDEX_SUFFIX for s in WEIGHT_SUFFIXES))


def copy_tokenizer(source: Path, folder: Path) -> str:
    """Copy the tokenizer's file of `source` into `folder`; return its name."""
    for name in TOKENIZERS:
        if (source / name).is_file():
            copy_file(source / name, folder / name)
            return name
    raise Fault(BAD_ARTIFACT, f"{source} has no tokenizer file: expected {' or '.join(TOKENIZERS)}")
