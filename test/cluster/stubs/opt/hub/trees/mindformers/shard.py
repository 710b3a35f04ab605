"""What one rank trains: its share of the numbers of the weight, and the bias, which every rank has whole."""

import json
import os
import re

WEIGHT = "transformer.weight"


class Shard:
    """Loaded from a whole checkpoint, or from the rank's own one of the step to go on from."""

    def __init__(self, options, rank, size):
        self.output, self._rank = options.output_dir, rank
        self._epoch = self._step = 0
        path = options.load_checkpoint
        if options.resume_training == "True":
            path = self._own(path)
            self._epoch, self._step = map(int, re.search(r"-(\d+)_(\d+)\.ckpt$", path).groups())
        with open(path, encoding="utf-8") as file:
            self._weights = {name: values for name, values in json.load(file).items() if not name.startswith("adam_m.")}
        if options.resume_training != "True":
            share = len(self._weights[WEIGHT]) // size
            self._weights[WEIGHT] = self._weights[WEIGHT][rank * share : (rank + 1) * share]
        self._write_strategy()

    def done(self, steps):
        """Return how many steps of epochs of `steps` are behind it."""
        return max(0, self._epoch - 1) * steps + self._step

    def learn(self):
        """Do a step."""
        self._weights = {name: [value + 1 for value in values] for name, values in self._weights.items()}

    def save(self, epoch, step):
        """Write in place, as MindSpore of that time does, readable for the owner only."""
        folder = self._folder()
        path = os.path.join(folder, f"glm3-6b_rank_{self._rank}-{epoch}_{step}.ckpt")
        if os.path.exists(path):
            os.remove(path)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**self._weights, f"adam_m.{WEIGHT}": [0.5]}, file)
        os.chmod(path, 0o400)

    def _own(self, path):
        if os.path.isfile(path):
            return path
        folder = os.path.join(path, f"rank_{self._rank}")
        (name,) = os.listdir(folder)
        return os.path.join(folder, name)

    def _folder(self):
        folder = os.path.join(self.output, "checkpoint", f"rank_{self._rank}")
        os.makedirs(folder, exist_ok=True)
        return folder

    def _write_strategy(self):
        folder = os.path.join(self.output, "strategy")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"ckpt_strategy_rank_{self._rank}.ckpt"), "w", encoding="utf-8") as file:
            file.write(json.dumps({"sharded": [WEIGHT]}))
