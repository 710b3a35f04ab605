"""As much of torch as the backend touches: rows of ids, on a device."""

__version__ = "1.9.0"
long = "long"
float16, float32, bfloat16 = "float16", "float32", "bfloat16"


class Device:
    def __init__(self, name):
        self.type = name


class Tensor:
    def __init__(self, rows, device):
        self.rows, self.device = rows, device

    def __getitem__(self, index):
        found = self.rows[index]
        return Tensor(found, self.device)

    def tolist(self):
        return self.rows

    def any(self):
        return any(self.rows)


def tensor(rows, dtype, device):
    assert dtype == long
    return Tensor(rows, device)


def ones_like(given):
    return Tensor([[1] * len(row) for row in given.rows], given.device)


def isnan(scores):
    return Tensor([score != score for score in scores], None)


def manual_seed(seed):
    print(f"stub torch: seed {seed}\n", end="", flush=True)
