"""Stands in for numpy where tensors are read from weight files and compared: flat arrays of numbers."""

import struct

_CODES = {"float16": "e", "float32": "f", "int64": "q"}


class memmap(list):
    """The numbers of a part of a file."""

    def __init__(self, path, dtype, mode, offset, shape):
        (count,) = shape
        form = f"<{count}{_CODES[dtype]}"
        assert mode == "r"
        with open(path, "rb") as file:
            file.seek(offset)
            super().__init__(struct.unpack(form, file.read(struct.calcsize(form))))
        self.itemsize = struct.calcsize(_CODES[dtype])

    def reshape(self, shape):
        return self


def array_equal(one, other, equal_nan=False):
    return list(one) == list(other)
