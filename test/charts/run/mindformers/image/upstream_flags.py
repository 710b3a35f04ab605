"""The command line of run_mindformer.py: the flags that every pinned version has, with their types."""

import argparse

WHOLE = ("mode", "device_id", "seed", "epochs", "batch_size", "num_samples")
BOOLEAN = ("resume_training", "use_parallel", "profile", "sink_mode")
TEXT = (
    *("device_target", "run_mode", "train_dataset_dir", "eval_dataset_dir", "load_checkpoint"),
    *("strategy_load_checkpoint", "remote_save_url"),
)


class Pairs(argparse.Action):
    """`k=v` words, as mindformers/tools/register/config.py, ActionDict."""

    def __call__(self, parser, namespace, values, option_string=None):
        pairs = {}
        for value in values:
            key, separator, text = value.partition("=")
            if not separator:
                parser.error(f"{value!r} is no pair")
            pairs[key] = text
        setattr(namespace, self.dest, pairs)


def boolean(text):
    if text.lower() not in ("true", "false", "1", "0"):
        raise argparse.ArgumentTypeError(f"{text!r} is no boolean")
    return text.lower() in ("true", "1")


def parser_of(whole=(), booleans=(), text=()):
    """Return a parser of what all versions know and of these flags more. `--predict_data` is left to the caller."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--options", nargs="+", action=Pairs, default={})
    for names, kind in ((WHOLE + whole, int), (BOOLEAN + booleans, boolean), (TEXT + text, str)):
        for name in names:
            parser.add_argument(f"--{name}", type=kind)
    return parser


def override(config, changes, read):
    """Change `config` by dotted keys. Every section must be there: c8a5808 would make it and never look at it."""
    for name, text in changes.items():
        *sections, key = name.split(".")
        at = config
        for section in sections:
            if not isinstance(at.get(section), dict):
                raise KeyError(f"{section} is not a key of the configuration: {name}")
            at = at[section]
        at[key] = read(text)
