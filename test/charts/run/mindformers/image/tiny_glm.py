"""A model of a few numbers under the names of GLM's parameters: what the stand-ins train, measure and ask.

A step adds 1 to each number that is trained.
"""

import json
import os
import time
from pathlib import Path

import mindspore
from mindspore.train.callback import ModelCheckpoint
from mindspore.train.model import Model
from pausing import pause

LORA_A, LORA_B = "mindpet_delta_lora_a", "mindpet_delta_lora_b"
NORMS = ("layernorm", "layer_norm")
IN_NO_NETWORK = ("inv_freq", "lm_head.weight")
"""Parts of names that Hugging Face's checkpoints hold and MindSpore's networks do not."""


class TinyGlm:
    """Parameters by name. Norms are whole on every rank, the rest is split over the ranks."""

    def __init__(self, path, lora=False):
        if not os.path.isfile(path):
            raise ConnectionError(f"{path!r} is no file: the real one would be downloaded by name")
        loaded = mindspore.load_checkpoint(path)
        found = {name: each.values for name, each in loaded.items() if "." in name and not name.startswith("adam_")}
        self.values = {name: values for name, values in found.items() if not name.endswith(IN_NO_NETWORK)}
        self.epoch, self.steps = (
            int(loaded[name].values[0]) if name in loaded else 0 for name in ("epoch_num", "step_num")
        )
        self._is_frozen = False
        if lora:
            self._adapt()

    def _adapt(self):
        for name in [name for name in self.values if name.endswith("query_key_value.weight")]:
            stem = name[: -len("weight")]
            self.values.setdefault(stem + LORA_A, [1.0, 1.0])
            self.values.setdefault(stem + LORA_B, [0.0] * 8)

    def freeze(self):
        """Train the adapters alone."""
        self._is_frozen = True

    def frozen(self, name):
        return self._is_frozen and LORA_A not in name and LORA_B not in name

    def is_sharded(self, name):
        return not any(norm in name for norm in NORMS) and LORA_A not in name

    def split(self, rank, ranks):
        """Keep this rank's part of each parameter."""
        for name, values in self.values.items():
            if self.is_sharded(name):
                share = len(values) // ranks
                self.values[name] = values[rank * share : (rank + 1) * share]

    def learn(self):
        for name in self.values:
            if not self.frozen(name):
                self.values[name] = [value + 1 for value in self.values[name]]

    def layouts(self):
        """Return the sharded names that a strategy file has: before 2.0 those of trained parameters alone."""
        all_of_them = not mindspore.__version__.startswith("1.")
        return sorted(name for name in self.values if self.is_sharded(name) and (all_of_them or not self.frozen(name)))

    def total(self):
        return sum(map(sum, self.values.values()))


class CheckpointMointor(ModelCheckpoint):
    """Upstream's spelling. `prefix_rank_N-<epoch>_<step>.ckpt` with the optimizer's state."""

    def __init__(self, model, rank, output, prefix, save_checkpoint_steps, keep_checkpoint_max):
        folder = os.path.join(output, "checkpoint", f"rank_{rank}")
        super().__init__(f"{prefix}_rank_{rank}", folder, save_checkpoint_steps, keep_checkpoint_max)
        self._model = model

    def write(self, params, path):
        state = {
            "epoch_num": params.cur_epoch_num,
            "step_num": self._model.steps + params.cur_step_num,
            "loss_scale": 65536,
        }
        trained = [name for name in self._model.values if not self._model.frozen(name)]
        values = {**self._model.values, **{f"adam_m.{name}": [0.5] for name in trained}}
        values.update((name, [value]) for name, value in state.items())
        mindspore.save_checkpoint(
            [{"name": name, "data": mindspore.Tensor(each)} for name, each in values.items()], path
        )


class Place:
    """This rank of how many, as the launcher's environment has it, checked against the rank table."""

    def __init__(self, is_parallel):
        env = os.environ
        self.rank, self.ranks = (int(env["RANK_ID"]), int(env["RANK_SIZE"])) if is_parallel else (0, 1)
        if not is_parallel:
            return
        int(env["DEVICE_ID"])
        devices = [
            device
            for server in json.loads(Path(env["RANK_TABLE_FILE"]).read_text())["server_list"]
            for device in server["device"]
        ]
        if [int(device["rank_id"]) for device in devices] != list(range(self.ranks)):
            raise RuntimeError(f"the rank table has {devices} for {self.ranks} ranks")
        if len({device["device_ip"] for device in devices}) != self.ranks:
            raise RuntimeError(f"the rank table has one address twice: {devices}")

    def check(self, parallel, parallel_config):
        product = 1
        for key in ("data_parallel", "model_parallel", "pipeline_stage"):
            product *= parallel_config[key]
        if self.ranks > 1 and parallel["parallel_mode"] == 1 and product != self.ranks:
            raise ValueError(f"dp*mp*pp is {product}, but there are {self.ranks} devices")

    def together(self, number):
        """Wait until every rank has come to step `number`, as collective operators do."""
        folder = Path.cwd().parent / "meeting"
        folder.mkdir(exist_ok=True)
        (folder / f"{self.rank}_{number}").touch()
        while not all((folder / f"{rank}_{number}").exists() for rank in range(self.ranks)):
            time.sleep(0.02)


def train(model, place, epochs, sink_size, callbacks):
    """Train from `model.epoch` on. `epochs` are sinks."""
    done = [0]

    def step(epoch):
        done[0] += 1
        place.together(done[0])
        model.learn()
        where = f"Epoch:[{epoch:3d}/{epochs:3d}], step:[{done[0]:5d}/{epochs:5d}]"
        print(f"{{ {where}, loss:[1.000/1.000], per_step_time: 10ms", flush=True)

    Model(step).train(epochs, None, callbacks, dataset_sink_mode=True, sink_size=sink_size, initial_epoch=model.epoch)
    print(".........Training Over!.............", flush=True)


def write_strategy(model, path):
    """Write in place what says how parameters are split. All ranks may write the same file."""
    text = json.dumps({"sharded": model.layouts()})
    with open(path, "w") as file:
        file.write(text[: len(text) // 2])
        file.flush()
        pause("writing the strategy")
        file.write(text[len(text) // 2 :])


def last_checkpoint(folder, rank):
    """Return the newest file of the rank's folder, as upstream's get_last_checkpoint does."""
    return str(max((Path(folder) / f"rank_{rank}").glob("*.ckpt"), key=lambda path: path.stat().st_mtime))


def say_scores(heading, model, rows, say=print):
    """Say what an evaluation says: numbers that tell which weights and data it had."""
    pause("evaluating")
    scores = {"rouge-1": model.total(), "rouge-2": len(model.values), "rouge-l": rows, "bleu-4": 5.5}
    lines = [f"metric: {heading} ", *(f"{name}: {score} " for name, score in scores.items())]
    say("\n".join(lines))
