"""Trains and measures as run_mindformer.py of mindformers@3354237 does it, on a model of a few numbers.

An evaluation drops --load_checkpoint, as upstream's does.
"""

import json
import os

import yaml
from mindformers import ChatGLM3Tokenizer
from tiny_glm import CheckpointMointor, Place, TinyGlm, last_checkpoint, say_scores, train, write_strategy
from upstream_flags import override, parser_of

RUN_MODES = ("train", "finetune", "eval", "predict", "export")


def arguments():
    parser = parser_of(
        whole=("predict_batch_size", "gradient_accumulation_steps"),
        booleans=("do_eval", "auto_trans_ckpt", "only_save_strategy"),
        text=("src_strategy_path_or_dir", "output_dir"),
    )
    parser.add_argument("--predict_data", nargs="+")
    options, rest = parser.parse_known_args()
    words = [part for word in rest for part in word.split("=")]
    if len(words) % 2 or not all(word.startswith("--") for word in words[::2]):
        raise ValueError(f"input arg key-values are not in pair, please check input args: {rest}")
    return options, {key[2:]: value for key, value in zip(words[::2], words[1::2])}


def configuration(options, changes):
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, options.config)) as file:
        config = yaml.safe_load(file.read())
    override(config, {**options.options, **changes}, yaml.safe_load)
    for section, value in (("train_dataset", options.train_dataset_dir), ("eval_dataset", options.eval_dataset_dir)):
        if value:
            config[section]["data_loader"]["dataset_dir"] = value
    for key in ("epochs", "batch_size"):
        config["runner_config"][key] = getattr(options, key) or config["runner_config"][key]
    config["use_parallel"] = options.use_parallel if options.use_parallel is not None else config["use_parallel"]
    return config


def rows_of(section):
    """Return the rows of a data set of ADGEN; its tokenizer must be there."""
    ChatGLM3Tokenizer(section["tokenizer"]["vocab_file"])
    with open(section["data_loader"]["dataset_dir"], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    for row in rows:
        if set(row) != {"content", "summary"}:
            raise ValueError(f"origin_columns are content and summary, the row has {sorted(row)}")
    return rows


def finetune(options, config):
    data, runner, parallel = config["train_dataset"], config["runner_config"], config["parallel_config"]
    length = config["model"]["model_config"]["seq_length"]
    if length != data["max_source_length"] + data["max_target_length"] + 1:
        raise ValueError(f"seq_length {length} is not max_source_length + max_target_length + 1")
    place = Place(config["use_parallel"])
    place.check(config["parallel"], parallel)
    steps = runner["epochs"] * (len(rows_of(data)) // (runner["batch_size"] * parallel["data_parallel"]))
    model = load(options, place)
    if place.ranks > 1:
        os.makedirs(os.path.join(options.output_dir, "strategy"), exist_ok=True)
        write_strategy(model, os.path.join(options.output_dir, "strategy", f"ckpt_strategy_rank_{place.rank}.ckpt"))
    every = next(one for one in config["callbacks"] if one["type"] == "CheckpointMointor")
    saver = CheckpointMointor(
        model,
        place.rank,
        options.output_dir,
        every["prefix"],
        every["save_checkpoint_steps"],
        every["keep_checkpoint_max"],
    )
    train(model, place, steps // runner["sink_size"], runner["sink_size"], [saver])


def load(options, place):
    """Return the model: whole from a file, or this rank's part and epoch of a run before."""
    if not options.load_checkpoint:
        raise ValueError("if run status is finetune, load_checkpoint must be input")
    if os.path.isdir(options.load_checkpoint):
        model = TinyGlm(last_checkpoint(options.load_checkpoint, place.rank))
        model.epoch = model.epoch if options.resume_training else 0
        return model
    model = TinyGlm(options.load_checkpoint)
    model.epoch = 0
    model.split(place.rank, place.ranks)
    return model


def evaluate(config):
    model, data = config["model"]["model_config"], config["eval_dataset"]
    if config["metric"]["type"] == "ADGENMetric" and model["seq_length"] != data["max_source_length"]:
        raise ValueError("when using 'ADGenDataLoader', seq_length must be equal to max_source_length")
    if data["data_loader"]["version"] != 1:
        raise AttributeError("'ChatGLM3Tokenizer' object has no attribute 'build_prompt'")
    ChatGLM3Tokenizer(config["processor"]["tokenizer"]["vocab_file"])
    say_scores("ADGENMetric", TinyGlm(model["checkpoint_name_or_path"]), len(rows_of(data)))


def main():
    options, changes = arguments()
    if options.run_mode not in RUN_MODES:
        raise ValueError(f"run status must be in {RUN_MODES}, but get {options.run_mode}")
    config = configuration(options, changes)
    if options.run_mode == "finetune":
        finetune(options, config)
    elif options.run_mode == "eval":
        evaluate(config)
    else:
        raise NotImplementedError(f"the stand-in knows finetune and eval, got {options.run_mode}")


if __name__ == "__main__":
    main()
