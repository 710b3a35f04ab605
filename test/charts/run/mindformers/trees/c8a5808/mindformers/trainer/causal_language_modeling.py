"""Training and measuring by a whole configuration (base_trainer.py, causal_language_modeling.py)."""

import os
import sys

from mindspore.mindrecord import FileReader
from tiny_glm import CheckpointMointor, last_checkpoint, say_scores, train, write_strategy

from mindformers.models.glm.chatglm_6b_tokenizer import ChatGLMTokenizer
from mindformers.models.glm.glm import network

METRIC_VOCABULARY = "checkpoint_download/glm/ice_text.model"


class CausalLanguageModelingTrainer:
    def __init__(self, place):
        self._place = place

    def train(self, config, callbacks=None):
        place, runner, parallel = self._place, config["runner_config"], config["parallel_config"]
        place.check(config["parallel"], parallel)
        rows = records(config["train_dataset"])
        length = config["model"]["model_config"]["seq_length"]
        if any(len(row["input_ids"]) != length or len(row["label"]) != length for row in rows):
            raise ValueError(f"For 'Reshape', the records are not of seq_length {length}")
        steps = runner["epochs"] * (len(rows) // (runner["batch_size"] * parallel["data_parallel"]))
        model = self._loaded(config)
        if place.ranks > 1:
            write_strategy(model, config["parallel"]["strategy_ckpt_save_file"])
        train(
            model, place, steps // runner["sink_size"], runner["sink_size"], callbacks or [self._saver(config, model)]
        )

    def evaluate(self, config):
        if not os.path.isfile(METRIC_VOCABULARY):
            raise ConnectionError(f"{METRIC_VOCABULARY} is not there: the real one would be downloaded")
        ChatGLMTokenizer(METRIC_VOCABULARY)
        model = network(config["model"]["model_config"], {**config["model"]["arch"]}, path_of(config))
        rows = records(config["eval_dataset"])
        say_scores("Text Generation Metric", model, len(rows), lambda text: sys.stdout.write(f"[INFO] {text}\n"))
        sys.stdout.flush()

    def _loaded(self, config):
        """Return the model: whole from a file, or this rank's part and epoch of a run before."""
        place, section, folder = self._place, config["model"], config["load_checkpoint"]
        if folder:
            model = network(section["model_config"], section["arch"], last_checkpoint(folder, place.rank))
            model.epoch = model.epoch if config["resume_training"] else 0
            return model
        model = network(section["model_config"], section["arch"], path_of(config))
        model.epoch = 0
        model.split(place.rank, place.ranks)
        return model

    def _saver(self, config, model):
        every = next(one for one in config["callbacks"] if one["type"] == "CheckpointMointor")
        output = os.environ["LOCAL_DEFAULT_PATH"]
        return CheckpointMointor(
            model,
            self._place.rank,
            output,
            every["prefix"],
            every["save_checkpoint_steps"],
            every["keep_checkpoint_max"],
        )


def path_of(config):
    return config["model"]["model_config"]["checkpoint_name_or_path"]


def records(section):
    """Return the records of a MindRecord file, which has the columns that the configuration names."""
    reader = FileReader(section["data_loader"]["dataset_dir"])
    rows = list(reader.get_next())
    reader.close()
    if rows and set(rows[0]) != set(section["input_columns"]):
        raise ValueError(f"input_columns are {section['input_columns']}, the records have {sorted(rows[0])}")
    return rows
