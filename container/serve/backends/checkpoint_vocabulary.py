"""How many tokens a checkpoint's embedding has, read without loading it.

ChatGLM-6B's weights came in two sizes under one name: 150528 tokens, and since a revision of 2023-04 130528,
the 20000 tokens for images left out; code, tokenizer and weights of different revisions fail minutes into
the load, with a mismatch of shapes (greensheng/chatglm-6b@8b7d335; seed of Cambricon, step 2.3).
"""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

from pod.exit_codes import BAD_ARTIFACT, Fault

SLIM, OLD = 130528, 150528
_EMBEDDING = "word_embeddings.weight"
_INDEXES = ("pytorch_model.bin.index.json", "model.safetensors.index.json")


def check_vocabulary(folder: Path, vocabulary_size: int) -> None:
    """Refuse weights whose embedding has another size than the config; the load tells of unreadable ones."""
    rows = embedding_rows(folder)
    if rows is None or rows == vocabulary_size:
        return
    raise Fault(
        BAD_ARTIFACT,
        f"the weights in {folder} are for {_named(rows)}, but its config.json is for "
        f"{_named(vocabulary_size)}: take weights, code and tokenizer of one revision",
    )


def _named(size: int) -> str:
    known = {SLIM: " (without those for images)", OLD: " (with those for images)"}
    return f"{size} tokens{known.get(size, '')}"


def embedding_rows(folder: Path) -> Optional[int]:
    """Return the first dimension of the word embedding, None if it is not to be found."""
    for path in _candidates(folder):
        shapes = _shapes(path)
        rows = [shape[0] for name, shape in shapes.items() if name.endswith(_EMBEDDING) and shape]
        if rows:
            return rows[0]
    return None


def _candidates(folder: Path) -> List[Path]:
    """Return the weight files that may hold the embedding: the one that an index names, or all."""
    for index in _INDEXES:
        if (folder / index).is_file():
            named = json.loads((folder / index).read_text(encoding="utf-8")).get("weight_map", {})
            return [folder / file for name, file in named.items() if name.endswith(_EMBEDDING)]
    return sorted([*folder.glob("pytorch_model*.bin"), *folder.glob("*.safetensors")])


def _shapes(path: Path) -> Dict[str, Tuple[int, ...]]:
    try:
        return _safetensors(path) if path.suffix == ".safetensors" else _torch(path)
    except Exception:  # whatever is wrong with the file, the load knows better how to say it
        return {}


def _safetensors(path: Path) -> Dict[str, Tuple[int, ...]]:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {name: tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}


def _torch(path: Path) -> Dict[str, Tuple[int, ...]]:
    """Read the shapes of a file of `torch.save`: a zip whose `data.pkl` refers to the storages beside it."""
    with zipfile.ZipFile(str(path)) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(name) as pickled:
            state = _ShapesOnly(pickled).load()
    return {key: value for key, value in state.items() if isinstance(value, tuple)}


class _ShapesOnly(pickle.Unpickler):
    """Gives the shape of each tensor, and nothing for everything else: no code that a file names is run."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        if name == "OrderedDict":
            return dict
        return _shape if name.startswith("_rebuild_tensor") else _nothing

    def persistent_load(self, pid: object) -> None:
        return None


def _shape(_storage: object, _offset: int, size: Tuple[int, ...], *_more: object) -> Tuple[int, ...]:
    return tuple(size)


def _nothing(*_arguments: object) -> None:
    return None
