"""A tensor that lies in a file, and the element types of its array."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Tuple

from checkpoints.vendor import package

BFLOAT16 = "bfloat16"
SIZES: Dict[str, int] = {
    "bool": 1,
    "uint8": 1,
    "int8": 1,
    "int16": 2,
    "float16": 2,
    BFLOAT16: 2,
    "int32": 4,
    "float32": 4,
    "int64": 8,
    "float64": 8,
}
"""Bytes of one element, by numpy's names and bfloat16, which numpy does not have."""

FLOATS = ("float16", BFLOAT16, "float32", "float64")


@dataclass(frozen=True)
class StoredTensor:
    """`shape` elements of `dtype` in `path`, from byte `offset` on; `strides` () if row by row."""

    dtype: str
    shape: Tuple[int, ...]
    path: Path
    offset: int
    strides: Tuple[int, ...] = ()

    def read(self) -> Any:  # noqa: ANN401 (a numpy array)
        """Return the values, mapped and not loaded; bfloat16 as float32, which holds them exactly."""
        np = package("numpy")
        stored = "uint16" if self.dtype == BFLOAT16 else self.dtype
        if 0 in self.shape:
            return np.zeros(self.shape, _as_read(self.dtype))
        array = np.memmap(str(self.path), stored, "r", self.offset, (self._extent(),))
        item = array.itemsize
        steps = tuple(step * item for step in self.strides) or None
        if steps is None:
            array = array.reshape(self.shape)
        else:
            array = np.lib.stride_tricks.as_strided(array, self.shape, steps)
        return widened(array) if self.dtype == BFLOAT16 else array

    def _extent(self) -> int:
        """Elements from the first to the last."""
        if self.strides:
            return 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides))
        return elements(self.shape)


def _as_read(dtype: str) -> str:
    return "float32" if dtype == BFLOAT16 else dtype


def elements(shape: Tuple[int, ...]) -> int:
    """Return how many elements `shape` has."""
    count = 1
    for length in shape:
        count *= length
    return count


def widened(bits: Any) -> Any:  # noqa: ANN401
    """Return the float32 values of bfloat16 `bits` (uint16): their upper halves."""
    np = package("numpy")
    return (bits.astype("uint32") << np.uint32(16)).view("float32")


def as_bytes(array: Any, dtype: str) -> Any:  # noqa: ANN401
    """Return `array` as contiguous elements of `dtype`; bfloat16 as uint16, rounded to the nearest even."""
    np = package("numpy")
    if dtype != BFLOAT16:
        return np.ascontiguousarray(array, dtype=dtype)
    bits = np.ascontiguousarray(array, dtype="float32").view("uint32")
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    quiet = (bits >> np.uint32(16)) | np.uint32(0x40)  # a NaN must not be rounded into an infinity
    return np.where(np.isnan(bits.view("float32")), quiet, rounded).astype("uint16")
