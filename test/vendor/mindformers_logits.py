"""What MindFormers' ChatGLM3 makes of tokens: mindformers_logits.py OUTPUT.npy TINY_WORDS PET_CONFIG=CHECKPOINT...

PET_CONFIG is the mapping of a configuration, or nothing for a model without adapters; OUTPUT gets the logits of every
token by model.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mindspore
import numpy as np
import yaml
from mindformers import ChatGLM2Config, ChatGLM2ForConditionalGeneration
from mindformers.pet import get_pet_model

PREFIX = "--model.model_config."
LENGTH = 16


def main(output: str, words: str, *models: str) -> None:
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE, device_target="CPU")
    tiny = [word[len(PREFIX) :].partition("=") for word in words.split() if word.startswith(PREFIX)]
    size = {name: int(value) for name, _, value in tiny}
    ids = np.random.default_rng(7).integers(3, size["padded_vocab_size"], (2, LENGTH)).astype("int32")
    np.save(output, [logits(size, ids, *model.rsplit("=", 1)) for model in models])


def logits(size: dict[str, int], ids: np.ndarray, pet_config: str, checkpoint: str) -> np.ndarray:
    """Return the logits of every token of `ids`, computed in 32 bits."""
    exact = {"compute_dtype": "float32", "param_init_type": "float32"}
    config = ChatGLM2Config(
        **size, **exact, layernorm_compute_type="float32", seq_length=LENGTH, use_past=False, use_flash_attention=False,
        checkpoint_name_or_path="",
    )  # fmt: skip
    model = ChatGLM2ForConditionalGeneration(config)
    if pet_config:
        model = get_pet_model(model, {**yaml.safe_load(pet_config), **exact})
    model.set_train(False)
    missing, unknown = mindspore.load_param_into_net(model, mindspore.load_checkpoint(checkpoint))
    named = [name for name in unknown if "inv_freq" not in name]
    assert not missing and not named, f"{Path(checkpoint)}: {missing} missing, {named} unknown"
    return model(mindspore.Tensor(ids))[0].asnumpy()


main(*sys.argv[1:])
