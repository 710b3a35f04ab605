"""Adapters trained by the real MindFormers 1.1.0 and put into the weights: other runtimes get the same model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Callable, Sequence

import numpy as np
from tiny import chatglm3, generated, weights

from checkpoints import huggingface, mindspore_file
from checkpoints.convert import main as convert_checkpoint
from checkpoints.lora import is_adapter
from checkpoints.merge import main as merge_checkpoint
from conftest import CONTAINER, HERE, Programs

VARIANT = "glm3-adapters"
ADAPTERS = "model.model_config.pet_config="
ARTIFACTS = ("mindformers", "chatglm3-6b", "convert", "dataset", "finetune", "merge", "huggingface")


def step(programs: Programs, main: Callable[[Sequence[str]], int], script: str, output: str) -> None:
    """Run the generated command of `script` that writes the artifact `output`, without the task around it."""
    places = {name: programs.folder / name for name in ARTIFACTS}
    found = [words for words in generated.COMMANDS[VARIANT] if any(word.endswith(f"/{script}.py") for word in words)]
    placed = [generated.placed(tuple(words), places) for words in found]
    words = next(words for words in placed if words[-1] == str(places[output]))
    programs.here(main, *words[next(n for n, word in enumerate(words) if word.endswith(f"/{script}.py")) + 1 :])


def finetune(programs: Programs, tiny: list[str]) -> None:
    """Run the generated training on one device that is none, with so high a rate that the adapters matter."""
    places = {name: programs.folder / name for name in ARTIFACTS}
    start = generated.start(VARIANT, "finetune")
    _, *rank = generated.placed(start.rank, places)
    programs.run(
        "launch", "--devices", 1, "--rank-env", "mindspore", "--work-dir", programs.folder / "work",
        "--", "python3", CONTAINER / "train_rank.py", *rank,
        places["mindformers"] / "run_mindformer.py", *generated.placed(start.arguments, places),
        *chatglm3.on_cpu(["--epochs", "1", "--batch_size", "2", "--sink_mode", "False", *tiny]),
        "--runner_wrapper.scale_sense.loss_scale_value=256", "--lr_schedule.learning_rate=0.05",
    )  # fmt: skip


def test_the_written_weights_compute_what_weights_and_adapters_did(programs: Programs) -> None:
    """The chart's commands from published weights to weights without adapters, and the logits of every token.

    They are computed three times: with adapters in mindpet's layers, with the written weights, with those before.
    """
    folder = programs.folder
    chatglm3.source_tree(folder / "mindformers")
    tiny = programs.run(chatglm3.TINY, folder / "dataset").split()
    weights.write(folder / "chatglm3-6b", "chatglm3", "float32")
    shutil.copy(folder / "dataset/tokenizer.model", folder / "chatglm3-6b/tokenizer.model")
    step(programs, convert_checkpoint, "convert_checkpoint", "convert")
    finetune(programs, tiny)
    step(programs, merge_checkpoint, "merge_checkpoint", "merge")
    step(programs, convert_checkpoint, "convert_checkpoint", "huggingface")

    adapters = [name.rpartition(".")[2] for name in mindspore_file.load(Path("merge/glm3_6b.ckpt")) if is_adapter(name)]
    assert sorted(adapters) == ["mindpet_delta_lora_a", "mindpet_delta_lora_b"]
    assert huggingface.weights(Path("huggingface")).keys() == weights.shapes("chatglm3").keys()
    programs.here(
        convert_checkpoint, "--from", "huggingface", "--to", "mindspore", "--family", "chatglm3",
        "--source", "huggingface", "--output", "again", "--file", "glm3_6b.ckpt",
    )  # fmt: skip
    settings = generated.start(VARIANT, "finetune").settings
    trained = next(word[len(ADAPTERS) :] for word in settings if word.startswith(ADAPTERS))
    models = [f"{trained}=merge/glm3_6b.ckpt", "=again/glm3_6b.ckpt", "=convert/glm3_6b.ckpt"]
    programs.run(HERE / "mindformers_logits.py", "logits.npy", " ".join(tiny), *models, MF_CPU_SHIM="1")

    adapted, written, before = np.load("logits.npy")
    assert np.abs(adapted - before).max() > 0.1, "the adapters do nothing: the comparison shows nothing"
    assert np.abs(adapted - written).max() < 1e-4
