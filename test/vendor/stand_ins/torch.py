"""Stands in for torch where an upstream script only passes tensors on to MindSpore."""

import numpy

bfloat16 = "bfloat16"
float16 = "float16"
float32 = "float32"


class Tensor:
    def __init__(self, array):
        self._array = array
        self.dtype = str(array.dtype)

    def numpy(self):
        return self._array

    def half(self):
        return Tensor(self._array.astype("float16"))

    def to(self, dtype):
        return Tensor(self._array.astype(dtype))

    def detach(self):
        return self

    cpu = detach

    @property
    def data(self):
        return self


def from_numpy(array):
    return Tensor(array)


def save(state, path):
    with open(path, "wb") as file:
        numpy.savez(file, **{name: tensor.numpy() for name, tensor in state.items()})
