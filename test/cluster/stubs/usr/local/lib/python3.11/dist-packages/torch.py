"""As much of torch as the serving backends touch: nested lists that know their device."""

import contextlib
import math

__version__ = "1.9.0"
long, half, float16, float32, bfloat16 = "long", "half", "float16", "float32", "bfloat16"
no_grad = contextlib.nullcontext


class Device:
    def __init__(self, name):
        self.type = name


class Tensor:
    def __init__(self, rows, device):
        self.rows, self.device = rows, device

    def __getitem__(self, index):
        rows = self.rows
        for each in index if isinstance(index, tuple) else (index,):
            rows = rows[each]
        return Tensor(rows, self.device)

    def tolist(self):
        return self.rows

    def any(self):
        return any(self.rows)

    def unsqueeze(self, _axis):
        return Tensor([self.rows], self.device)

    def float(self):
        return self

    def cpu(self):
        return self


class Generator:
    def seed(self):
        """Nothing is drawn here."""

    def manual_seed(self, seed):
        """Nothing is drawn here."""


class nn:
    class Linear:
        """The model has none."""


class distributed:
    @staticmethod
    def init_process_group(backend):
        assert backend == "hccl", backend


def tensor(rows, dtype, device):
    assert dtype == long
    return Tensor(rows, device)


def arange(begin, end, dtype, device):
    return tensor(list(range(begin, end)), dtype, device)


def ones_like(given):
    return Tensor([[1] * len(row) for row in given.rows], given.device)


def isnan(scores):
    return Tensor([math.isnan(score) for score in getattr(scores, "rows", scores)], None)


def argmax(scores):
    return scores.rows.index(max(scores.rows))


def manual_seed(seed):
    """Nothing is drawn here."""
