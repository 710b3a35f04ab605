"""Stands in for MindSpore where checkpoints are saved, loaded and joined: real small files of JSON.

A parameter is a list of numbers; a sharded one is joined by putting the ranks' lists one after the other, a strategy
is a JSON object of the sharded names, as `{"sharded": ["a"]}`.
"""

import json
import os

__version__ = "2.2.11"


class Parameter:
    """What `load_checkpoint` returns by name."""

    def __init__(self, values):
        self.values = values
        self.dtype = "Float16"
        self.shape = (len(values),)

    def asnumpy(self):
        return self.values


def save_checkpoint(parameters, path):
    """Write `[{"name", "data"}]`, readable for the owner only, as MindSpore does."""
    with open(path, "w") as file:
        json.dump({each["name"]: each["data"].values for each in parameters}, file)
    os.chmod(path, 0o400)


def load_checkpoint(path):
    if not path.endswith(".ckpt"):
        raise ValueError(f"For 'load_checkpoint', the checkpoint file should end with '.ckpt', but got {path}.")
    with open(path) as file:
        try:
            return {name: Parameter(values) for name, values in json.load(file).items()}
        except json.JSONDecodeError as error:
            raise ValueError("Failed to read the checkpoint file") from error


def merge_pipeline_strategys(folder, path):
    """Join the strategy files of `folder`; the folder must be writable for nobody, `path` must be."""
    sharded = set()
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            sharded.update(json.load(file)["sharded"])
    with open(path, "w") as file:
        json.dump({"sharded": sorted(sharded)}, file)


def transform_checkpoints(source, target, prefix, strategy, wanted):
    """Join the ranks of `source` into `target/rank_0/<prefix>0.ckpt`."""
    with open(strategy) as file:
        sharded = json.load(file)["sharded"]
    ranks = sorted(os.listdir(source), key=lambda name: int(name[5:]))
    shards = [load_checkpoint(_only_file(os.path.join(source, rank))) for rank in ranks]
    if "FAIL_TRANSFORM" in os.environ:
        raise ValueError("The checkpoint file of rank5 is needed for converting rank0's checkpoint")
    whole = {}
    for name in shards[0]:
        parts = shards if name in sharded else shards[:1]
        whole[name] = Parameter([value for shard in parts for value in shard[name].values])
    os.makedirs(os.path.join(target, "rank_0"))
    save_checkpoint(
        [{"name": name, "data": data} for name, data in whole.items()],
        os.path.join(target, "rank_0", f"{prefix}0.ckpt"),
    )


def _only_file(folder):
    names = os.listdir(folder)
    if len(names) != 1:
        raise RuntimeError(f"{folder} holds {names}")
    return os.path.join(folder, names[0])
