"""Starts MindFormers 1.1.0 with the command line of its run_mindformer.py, which no wheel holds.

Flags are those of mindformers@3354237 that need no accelerator; any `--a.b.c=value` overrides that key of the
configuration. A relative --config is in this folder.
"""

import argparse
import os
import sys

from mindformers.core.context import build_context
from mindformers.tools import set_output_path
from mindformers.tools.register import MindFormerConfig
from mindformers.tools.utils import parse_value, str2bool
from mindformers.trainer import Trainer

MODES = ("train", "finetune", "eval", "predict")
# flags and where in the configuration they go
FLAGS = {
    "": {
        "run_mode": str, "use_parallel": str2bool, "seed": int, "profile": str2bool, "output_dir": str,
        "do_eval": str2bool, "predict_batch_size": int, "remote_save_url": str, "load_checkpoint": str,
        "src_strategy_path_or_dir": str, "auto_trans_ckpt": str2bool, "only_save_strategy": str2bool,
        "resume_training": str2bool,
    },
    "context": {"mode": int, "device_id": int, "device_target": str},
    "runner_config": {"epochs": int, "batch_size": int, "gradient_accumulation_steps": int, "sink_mode": str2bool},
    "train_dataset.data_loader": {"train_dataset_dir": str},
    "eval_dataset.data_loader": {"eval_dataset_dir": str},
}  # fmt: skip
KEYS = {"train_dataset_dir": "dataset_dir", "eval_dataset_dir": "dataset_dir"}


def parse(arguments):
    """Return the flags and the words of the overrides."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--config", required=True)
    parser.add_argument("--predict_data", nargs="+")
    for flags in FLAGS.values():
        for flag, kind in flags.items():
            parser.add_argument(f"--{flag}", type=kind, choices=MODES if flag == "run_mode" else None)
    return parser.parse_known_args(arguments)


def section(config, path):
    """Return the part of the configuration with a dotted path, which must be there."""
    for key in filter(None, path.split(".")):
        if key not in config:
            raise KeyError(f"the configuration has no '{path}': '{key}' is missing")
        config = config[key]
    return config


def override(config, words):
    """Apply `--a.b=value` and `--a.b value`; as upstream, words are split at every '=' and come in pairs."""
    tokens = [token for word in words for token in word.split("=")]
    if len(tokens) % 2:
        raise ValueError(f"cannot pair {words}: a value is missing or holds '='")
    for name, value in zip(tokens[::2], tokens[1::2]):
        path, _, key = name[2:].rpartition(".")
        if not name.startswith("--") or not path:
            raise ValueError(f"'{name}' is no flag known here and no --section.key of the configuration")
        section(config, path)[key] = parse_value(value)


def configure(options, words):
    """Return the configuration of the file with flags and overrides applied."""
    config = MindFormerConfig(os.path.join(os.path.dirname(os.path.abspath(__file__)), options.config))
    for path, flags in FLAGS.items():
        for flag in flags:
            value = getattr(options, flag)
            if value is not None:
                section(config, path)[KEYS.get(flag, flag)] = value
    override(config, words)
    return config


def main():
    options, words = parse(sys.argv[1:])
    config = configure(options, words)
    set_output_path(config.output_dir)
    build_context(config)
    trainer = Trainer(config)
    if config.run_mode == "predict":
        trainer.predict(input_data=options.predict_data, batch_size=config.predict_batch_size)
    elif config.run_mode == "eval":
        trainer.evaluate()
    else:
        trainer.train()


if __name__ == "__main__":
    main()
