"""Stands in for MindSpore where checkpoints are saved, loaded and joined: real small files of JSON.

A parameter is a flat list of numbers; a sharded one is joined by putting the ranks' lists one after the other, a
strategy is a JSON object of the sharded names, as `{"sharded": ["a"]}`. Its version is that of a package on the path,
2.2.11 without one; before 2.0 it cannot join checkpoints (mindspore 2.0 release notes, transform_checkpoints).
"""

import json
import os
import re
import sys

from pausing import pause

float16, float32, int64 = "float16", "float32", "int64"


def _version():
    names = (name for path in sys.path if os.path.isdir(path) for name in os.listdir(path))
    found = next((name for name in names if re.match(r"mindspore-.*[.]dist-info$", name)), "mindspore-2.2.11.dist-info")
    return found[len("mindspore-") : -len(".dist-info")]


__version__ = _version()


class Tensor:
    def __init__(self, values, dtype=float16):
        self.values = list(values)
        self.dtype = dtype
        self.shape = (len(self.values),)

    def asnumpy(self):
        return self.values


Parameter = Tensor


def run_check():
    said = "The result of multiplication calculation is correct, MindSpore has been installed on platform [Ascend]"
    print(f"MindSpore version:  {__version__}\n{said} successfully!")


def save_checkpoint(parameters, path):
    """Write `[{"name", "data"}]` in place, readable for the owner only, as MindSpore does."""
    text = json.dumps({each["name"]: each["data"].values for each in parameters})
    if os.path.exists(path):
        os.remove(path)
    with open(path, "w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        pause(f"saving {re.sub('_rank_[0-9]+', '', os.path.basename(path))}")
        file.write(text[len(text) // 2 :])
    os.chmod(path, 0o400)


def load_checkpoint(path):
    if not path.endswith(".ckpt"):
        raise ValueError(f"For 'load_checkpoint', the checkpoint file should end with '.ckpt', but got {path}.")
    with open(path) as file:
        try:
            return {name: Parameter(values) for name, values in json.load(file).items()}
        except ValueError as error:
            raise ValueError("Failed to read the checkpoint file") from error


def _merge_pipeline_strategys(folder, path):
    """Join the strategy files of `folder`; the folder must be writable for nobody, `path` must be."""
    sharded = set()
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            sharded.update(json.load(file)["sharded"])
    with open(path, "w") as file:
        json.dump({"sharded": sorted(sharded)}, file)


def _transform_checkpoints(source, target, prefix, strategy, wanted):
    """Join the ranks of `source` into `target/rank_0/<prefix>0.ckpt`; a parameter without layout is rank 0's."""
    with open(strategy) as file:
        sharded = json.load(file)["sharded"]
    ranks = sorted(os.listdir(source), key=lambda name: int(name[len("rank_") :]))
    shards = [load_checkpoint(_only_file(os.path.join(source, rank))) for rank in ranks]
    if "FAIL_TRANSFORM" in os.environ:
        raise ValueError("The checkpoint file of rank5 is needed for converting rank0's checkpoint")
    pause("transform_checkpoints")
    whole = []
    for name in shards[0]:
        parts = shards if name in sharded else shards[:1]
        whole.append({"name": name, "data": Tensor([value for shard in parts for value in shard[name].values])})
    os.makedirs(os.path.join(target, "rank_0"))
    save_checkpoint(whole, os.path.join(target, "rank_0", f"{prefix}0.ckpt"))


def _only_file(folder):
    names = os.listdir(folder)
    if len(names) != 1:
        raise RuntimeError(f"{folder} holds {names}")
    return os.path.join(folder, names[0])


if not __version__.startswith("1."):
    merge_pipeline_strategys, transform_checkpoints = _merge_pipeline_strategys, _transform_checkpoints
