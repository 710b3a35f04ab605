"""Trains and measures as run_mindformer.py of mindformers@c8a5808 does it, on a model of a few numbers.

It takes no dotted flags, and an evaluation drops --load_checkpoint.
"""

import os

from answering import MindFormerConfig
from mindformers.trainer import CausalLanguageModelingTrainer
from tiny_glm import Place
from upstream_flags import override, parser_of


def configuration():
    parser = parser_of()
    parser.add_argument("--predict_data")
    options = parser.parse_args()
    config = MindFormerConfig(os.path.join(os.path.dirname(os.path.abspath(__file__)), options.config))
    for key in ("run_mode", "use_parallel", "load_checkpoint", "resume_training"):
        if getattr(options, key) is not None:
            config[key] = getattr(options, key)
    override(config, options.options, str)
    for section, value in (("train_dataset", options.train_dataset_dir), ("eval_dataset", options.eval_dataset_dir)):
        if value:
            config[section].data_loader.dataset_dir = value
    for key in ("epochs", "batch_size"):
        config.runner_config[key] = getattr(options, key) or config.runner_config[key]
    return config


def choose_checkpoint(config):
    """Do what update_checkpoint_config does: a file goes into the model's section, but only to train."""
    is_train = config.run_mode == "finetune"
    if (is_train and config.resume_training) or os.path.isdir(config.load_checkpoint):
        config.model.model_config.checkpoint_name_or_path = None
        return
    if is_train:
        config.model.model_config.checkpoint_name_or_path = config.load_checkpoint
    config.load_checkpoint = None


def main():
    config = configuration()
    assert config.run_mode in ["train", "eval", "predict", "finetune"], config.run_mode
    if config.run_mode == "finetune" and not config.load_checkpoint:
        raise ValueError("if run status is finetune, load_checkpoint must be input")
    choose_checkpoint(config)
    trainer = CausalLanguageModelingTrainer(Place(config.use_parallel))
    if config.run_mode == "finetune":
        trainer.train(config)
    elif config.run_mode == "eval":
        trainer.evaluate(config)
    else:
        raise NotImplementedError(f"the stand-in knows finetune and eval, got {config.run_mode}")


if __name__ == "__main__":
    main()
