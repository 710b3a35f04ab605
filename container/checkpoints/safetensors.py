"""The safetensors format: a length, a JSON header, the values (huggingface/safetensors README, "Format")."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from checkpoints.files import publish
from checkpoints.tensor import SIZES, StoredTensor, as_bytes, elements
from pod.exit_codes import BAD_ARTIFACT, Fault

NAMES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "F16": "float16", "BF16": "bfloat16",
    "I32": "int32", "F32": "float32", "I64": "int64", "F64": "float64",
}  # fmt: skip
CODES = {name: code for code, name in NAMES.items()}
MOST_HEADER_BYTES = 100_000_000
"""What the format's own readers accept."""


def read(path: Path) -> Dict[str, StoredTensor]:
    """Return the tensors of `path`, whose header must fit the file exactly; values are not read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(MOST_HEADER_BYTES, size - 8):
            raise Fault(
                BAD_ARTIFACT, f"{path} is not a safetensors file: its header would have {length} bytes"
            )
        text = file.read(length)
    try:
        header = json.loads(text.decode("utf-8"))
        found = {
            name: _tensor(path, 8 + length, entry) for name, entry in header.items() if name != "__metadata__"
        }
        end = (
            8
            + length
            + max([0, *(entry["data_offsets"][1] for name, entry in header.items() if name in found)])
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise Fault(
            BAD_ARTIFACT, f"{path} is not a safetensors file: its header makes no sense ({cause})"
        ) from error
    if end != size:
        raise Fault(BAD_ARTIFACT, f"{path} has {size} bytes, its header says {end}: the file is not whole")
    return found


def _tensor(path: Path, start: int, entry: Dict[str, Any]) -> StoredTensor:
    dtype, shape = NAMES[entry["dtype"]], tuple(int(length) for length in entry["shape"])
    first, last = entry["data_offsets"]
    if last - first != elements(shape) * SIZES[dtype]:
        raise ValueError(f"{shape} of {dtype} are not {last - first} bytes")
    return StoredTensor(dtype, shape, path, start + first)


@dataclass(frozen=True)
class OutgoingTensor:
    """A tensor to be written; `read` gives its values when their turn comes."""

    name: str
    dtype: str
    shape: Tuple[int, ...]
    read: Callable[[], Any]

    @property
    def size(self) -> int:
        """Its bytes."""
        return elements(self.shape) * SIZES[self.dtype]


def write(path: Path, tensors: List[OutgoingTensor]) -> None:
    """Write `tensors` to `path`, which is there whole or not at all; one tensor is in memory at a time."""
    header: Dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers refuses files without it
    position = 0
    for tensor in tensors:
        span = [position, position + tensor.size]
        header[tensor.name] = {"dtype": CODES[tensor.dtype], "shape": tensor.shape, "data_offsets": span}
        position += tensor.size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            file.write(as_bytes(tensor.read(), tensor.dtype).data)
    publish(temporary, path)


def shards(tensors: List[OutgoingTensor], most: int) -> List[List[OutgoingTensor]]:
    """Split `tensors`, in order, into groups of at most `most` bytes; a bigger one is a group of its own."""
    groups: List[List[OutgoingTensor]] = [[]]
    filled = 0
    for tensor in tensors:
        if groups[-1] and filled + tensor.size > most:
            groups.append([])
            filled = 0
        groups[-1].append(tensor)
        filled += tensor.size
    return groups
