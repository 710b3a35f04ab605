"""PyTorch's zip format of `torch.save` (since 1.6), read without torch.

A stored (not compressed) zip archive holds `<folder>/data.pkl`, a pickle of the state dict in which each
storage is a persistent id, and `<folder>/data/<key>` with the elements of one storage (pytorch
torch/serialization.py). The pickle may name the few constructors below and nothing else, so a file cannot
run code here.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Tuple

from checkpoints.tensor import SIZES, StoredTensor
from pod.exit_codes import BAD_ARTIFACT, Fault

STORAGES = {
    "HalfStorage": "float16", "BFloat16Storage": "bfloat16", "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "BoolStorage": "bool", "ByteStorage": "uint8", "CharStorage": "int8", "ShortStorage": "int16",
    "IntStorage": "int32", "LongStorage": "int64",
}  # fmt: skip
LOCAL_HEADER = 30
"""Bytes of a zip entry's local header before its name."""


@dataclass(frozen=True)
class _Storage:
    dtype: str
    offset: int
    count: int


def read(path: Path) -> Dict[str, StoredTensor]:
    """Return the tensors of the state dict in `path`; values are not read."""
    try:
        with zipfile.ZipFile(str(path)) as archive, path.open("rb") as file:
            found = _Unpickler.of(archive, file, path).load()
    except zipfile.BadZipFile as error:
        raise Fault(
            BAD_ARTIFACT,
            f"{path} is not a whole file of torch.save's zip format ({error}); files from before torch 1.6 "
            f"must be saved again by a newer torch",
        ) from error
    except (pickle.UnpicklingError, KeyError, TypeError, ValueError, EOFError, IndexError) as error:
        raise Fault(BAD_ARTIFACT, f"{path} holds no readable state dict ({error})") from error
    if not isinstance(found, dict) or not all(isinstance(tensor, StoredTensor) for tensor in found.values()):
        raise Fault(BAD_ARTIFACT, f"{path} holds no state dict: expected one dictionary of names and tensors")
    return {str(name): tensor for name, tensor in found.items()}


class _Unpickler(pickle.Unpickler):
    """Reads `data.pkl`, with tensors left in the file."""

    @classmethod
    def of(cls, archive: zipfile.ZipFile, file: Any, path: Path) -> _Unpickler:  # noqa: ANN401
        entry = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if entry is None:
            raise zipfile.BadZipFile("it has no data.pkl")
        reader = cls(archive.open(entry))
        reader._archive, reader._file, reader._path = archive, file, path
        reader._folder = entry[: -len("data.pkl")]
        return reader

    _archive: zipfile.ZipFile
    _file: Any
    _path: Path
    _folder: str

    def persistent_load(self, pid: Any) -> _Storage:  # noqa: ANN401
        kind, dtype, key, _device, count = pid
        if kind != "storage" or dtype not in SIZES:
            raise pickle.UnpicklingError(f"{kind} of {dtype} is not known")
        entry = self._archive.getinfo(f"{self._folder}data/{key}")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise pickle.UnpicklingError(f"{entry.filename} is compressed")
        if entry.file_size != count * SIZES[dtype]:
            raise pickle.UnpicklingError(
                f"{entry.filename} has {entry.file_size} bytes, not {count} of {dtype}"
            )
        self._file.seek(entry.header_offset)
        lengths = struct.unpack("<HH", self._file.read(LOCAL_HEADER)[26:30])
        return _Storage(dtype, entry.header_offset + LOCAL_HEADER + sum(lengths), count)

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_: data
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which weights do not need")

    def _rebuild(
        self, storage: _Storage, offset: int, shape: Tuple[int, ...], strides: Tuple[int, ...], *_: object
    ) -> StoredTensor:
        last = offset + sum((length - 1) * step for length, step in zip(shape, strides))
        if 0 not in shape and (offset < 0 or any(step < 0 for step in strides) or last >= storage.count):
            raise pickle.UnpicklingError(f"a tensor of {shape} does not fit its storage of {storage.count}")
        start = storage.offset + offset * SIZES[storage.dtype]
        return StoredTensor(storage.dtype, tuple(shape), self._path, start, _uneven(shape, strides))


def _uneven(shape: Tuple[int, ...], strides: Tuple[int, ...]) -> Tuple[int, ...]:
    """Return `strides`, () if they are those of rows that lie one after the other."""
    expected = 1
    for length, step in zip(reversed(shape), reversed(strides)):
        if length != 1 and step != expected:
            return tuple(strides)
        expected *= length
    return ()
