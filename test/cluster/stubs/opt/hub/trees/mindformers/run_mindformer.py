"""Stands for run_mindformer.py of mindformers@3354237: takes and refuses the same, and trains a few numbers.

It checks flags and dotted overrides, the environment and rank table of its rank, its input files and the
rules of check_rules.py; then it does steps in which all ranks take part, logs them in the real format and
writes checkpoints and strategies where and as the real one does (mode 0400). What it trains are 17 numbers
in JSON: every step adds 1 to each. STUB_STEPS (default 5), STUB_STEP_SECONDS (default 0.1) and
STUB_FAIL_RANK=<rank>:<step>:<code> are its own settings.
"""

import argparse
import json
import os
import sys
import time

import dynamic_cluster
from collective import Collective
from mindspore.train.callback import ModelCheckpoint as Saver
from mindspore.train.model import Model
from settings import override, read
from shard import Shard

FLAGS = """
mode device_id device_target run_mode do_eval train_dataset_dir eval_dataset_dir predict_batch_size
load_checkpoint src_strategy_path_or_dir auto_trans_ckpt only_save_strategy resume_training
strategy_load_checkpoint remote_save_url seed use_parallel profile epochs batch_size
gradient_accumulation_steps sink_mode num_samples output_dir
""".split()


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--predict_data", nargs="+")
    parser.add_argument("--options", nargs="+")
    for flag in FLAGS:
        choices = ["train", "finetune", "eval", "predict", "export"] if flag == "run_mode" else None
        parser.add_argument(f"--{flag}", choices=choices)
    return parser.parse_known_args()


class ModelCheckpoint(Saver):
    """Saves at the end too, as the real one does."""

    def __init__(self, save, every):
        super().__init__(save, every)
        self._params = None

    def step_end(self, run_context):
        self._params = run_context.original_args()
        super().step_end(run_context)

    def end(self):
        if self._params is not None:
            self._save_ckpt(self._params, force_to_save=True)


def log(level, message):
    stamp = f"{time.strftime('%Y-%m-%d %H:%M:%S')},{int(time.time() % 1 * 1000):03d}"
    print(f"{stamp} - mindformers[mindformers/core/callback/callback.py:323] - {level} - {message}", flush=True)


def need_file(what, path):
    if not os.path.isfile(path):
        raise ValueError(f"{what} {path!r} is not found")


def check_ranks(config):
    """The environment of a rank, and its place in the table."""
    size, rank = int(os.environ["RANK_SIZE"]), int(os.environ["RANK_ID"])
    int(os.environ["DEVICE_ID"])
    if size > 1:
        with open(os.environ["RANK_TABLE_FILE"], encoding="utf-8") as file:
            table = json.load(file)
        if table["status"] != "completed":
            raise RuntimeError("the rank table is not completed")
        ranks = [device["rank_id"] for server in table["server_list"] for device in server["device"]]
        addresses = [device["device_ip"] for server in table["server_list"] for device in server["device"]]
        if sorted(map(int, ranks)) != list(range(size)) or len(set(addresses)) != size:
            raise RuntimeError(f"the rank table has ranks {ranks} and addresses {addresses} for RANK_SIZE {size}")
    check_parallel(config, size)
    return rank, size


def check_parallel(config, size):
    parallel = config["parallel_config"]
    product = parallel["data_parallel"] * parallel["model_parallel"] * parallel["pipeline_stage"]
    if config["parallel"]["parallel_mode"] == 1 and product != size:
        raise ValueError(f"dp*mp*pp is {product} but device_num is {size}")


def check_inputs(options, config):
    if options.resume_training != "True":
        need_file("load_checkpoint", options.load_checkpoint or config["load_checkpoint"])
    dataset = options.train_dataset_dir or config["train_dataset"]["data_loader"]["dataset_dir"]
    need_file("dataset_dir", dataset)
    need_file("vocab_file", config["train_dataset"]["tokenizer"]["vocab_file"])
    with open(dataset, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if set(json.loads(line)) != {"content", "summary"}:
                raise ValueError(f"{dataset}:{number}: want the keys content and summary")
    source, target = (
        config["train_dataset"]["max_source_length"],
        config["train_dataset"]["max_target_length"],
    )
    length = config["model"]["model_config"]["seq_length"]
    if length != source + target + 1:
        raise ValueError(f"seq_length {length} is not max_source_length {source} + max_target_length {target} + 1")


def say_step(epoch, step, seconds):
    """Log the two lines of MFLossMonitor; `epoch` and `step` are each the number and the total."""
    loss, done = 6.0 / step[0], step[0] / step[1]
    where = "Epoch:[%3d/%3d], step:[%5d/%5d]" % (epoch + step)
    rest = f"per_step_time: {seconds * 1000:.0f}ms, lr: 0.0001, overflow cond: False, loss_scale: 65536.0"
    log("INFO", f"{{ {where}, loss:[{loss:5.3f}/{loss:5.3f}], {rest}")
    left = round((step[1] - step[0]) * seconds)
    rate = 4 / max(seconds, 0.001)
    log(
        "INFO",
        f"  {100 * done:4.1f}% |{'█' * int(50 * done):50s}| {rate:.5f} samples/s/p  0:00:{left:02d} }}",
    )


def train(options, config, rank, size):
    """Do the steps that are left, with the callbacks of the configuration, and return the last one."""
    steps, seconds = int(os.environ.get("STUB_STEPS", 5)), float(os.environ.get("STUB_STEP_SECONDS", 0.1))
    fail = os.environ.get("STUB_FAIL_RANK", "").split(":")
    epochs = int(options.epochs or config["runner_config"]["epochs"])
    shard = Shard(options, rank, size)
    together = Collective(shard.output, rank, size)

    def step(number):
        time.sleep(seconds)
        if fail[:2] == [str(rank), str(number)]:
            log("ERROR", "device task error")
            sys.exit(int(fail[2]))
        together.reach(number)
        shard.learn()
        say_step(((number - 1) // steps + 1, epochs), ((number - 1) % steps + 1, steps), seconds)

    def save(number):
        shard.save((number - 1) // steps + 1, (number - 1) % steps + 1)

    every = next(one for one in config["callbacks"] if one["type"] == "CheckpointMointor")
    saver = ModelCheckpoint(save, every["save_checkpoint_steps"])
    Model(step).train(epochs * steps, None, [saver], initial_epoch=shard.done(steps))
    saver.end()
    together.end()


def evaluate(options, config):
    """Measure the model that the configuration names: --load_checkpoint is dropped, as upstream does."""
    with open(config["model"]["model_config"]["checkpoint_name_or_path"], encoding="utf-8") as file:
        weights = json.load(file)
    with open(options.eval_dataset_dir, encoding="utf-8") as file:
        rows = sum(1 for _ in file)
    print("metric: ADGENMetric", flush=True)
    first, second = (sum(weights[f"transformer.{name}"]) for name in ("weight", "bias"))
    print(f"rouge-1: {first}\nrouge-2: {second}\nrouge-l: {rows}\nbleu-4:  5.5", flush=True)


def main():
    options, extra = parse()
    path = options.config
    if not os.path.isabs(path):
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), path)
    need_file("config", path)
    config = override(read(path), extra)
    if options.run_mode == "eval":
        return evaluate(options, config)
    if options.run_mode not in ("train", "finetune"):
        raise NotImplementedError(f"the stub knows train, finetune and eval, got {options.run_mode}")
    if "MS_ROLE" in os.environ:
        return in_cluster(options, config)
    finetune(options, config, *(check_ranks(config) if options.use_parallel == "True" else (0, 1)))


def in_cluster(options, config):
    """Take the role in a dynamic cluster."""
    if os.environ["MS_ROLE"] == "MS_SCHED":
        return dynamic_cluster.schedule()
    worker = dynamic_cluster.Worker()
    check_parallel(config, worker.size)
    finetune(options, config, worker.rank, worker.size)
    worker.say("done")


def finetune(options, config, rank, size):
    check_inputs(options, config)
    log("INFO", f".........Build context config for rank {rank}..........")
    train(options, config, rank, size)
    log("INFO", ".........Training Over!.............")


if __name__ == "__main__":
    main()
