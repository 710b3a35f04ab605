"""From weights as they are published to a fine-tuned model that answers, with the real MindFormers 1.1.0 on a CPU."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tiny import chatglm3, generated, weights

from checkpoints import huggingface, mindspore_file
from conftest import CONTAINER, Programs

EPOCHS, BATCH, EXAMPLES = 2, 2, 10
STEPS = EXAMPLES // BATCH


@dataclass(frozen=True)
class Tuned:
    """Where everything is, and the words that make the model small."""

    programs: Programs
    tree: Path
    words: list[str]
    log: str

    @property
    def folder(self) -> Path:
        return self.programs.folder

    @property
    def model_words(self) -> list[str]:
        return [word for word in self.words if word.startswith("--model.")]

    def mindformers(self, *words: object) -> str:
        """Run the program as a pod does, with a device that is none."""
        arguments = chatglm3.on_cpu([*map(str, words)])
        return self.programs.run(self.tree / "run_mindformer.py", *arguments)


@pytest.fixture(scope="session")
def tuned(session_programs: Programs) -> Tuned:
    """Convert made-up weights, prepare data, fine-tune through the launcher, merge: once for all tests."""
    programs, folder = session_programs, session_programs.folder
    tree = chatglm3.source_tree(folder / "tree")
    words = programs.run(chatglm3.TINY, "raw").split()
    words = [word.replace("=raw/", f"={folder}/base/") for word in words]
    weights.write(folder / "given", "chatglm3")
    shutil.copy(folder / "raw/tokenizer.model", folder / "given/tokenizer.model")
    programs.run(
        "convert_checkpoint", "--from", "huggingface", "--to", "mindspore", "--family", "chatglm3",
        "--source", "given", "--output", "base", "--file", "glm3_6b.ckpt",
    )  # fmt: skip
    programs.run(
        "prepare_dataset", "--kind", "adgen", "--source", "raw", "--train", "train.json", "--eval", "dev.json",
        "--output", "data", "--tokenizer", "base/tokenizer.model", "--family", "chatglm3",
    )  # fmt: skip
    log = programs.run(*_finetune(folder, tree, words, EPOCHS))
    programs.run(
        "merge_checkpoint", "--source", "tuned", "--output", "merged", "--file", "glm3_6b.ckpt",
        "--tokenizer", "base/tokenizer.model",
    )  # fmt: skip
    return Tuned(programs, tree, words, log)


def _finetune(folder: Path, tree: Path, words: list[str], epochs: int) -> list[object]:
    """Return the generated start of the training, on one device that is none, with few steps."""
    start = generated.start("glm3-adgen", "finetune")
    places = {"mindformers": tree, "finetune": folder / "tuned", "dataset": folder / "data"}
    places["chatglm3-6b"] = folder / "base"
    script, *rank = generated.placed(start.rank, places)
    few = ("--set", "callbacks[CheckpointMointor].save_checkpoint_steps=3")
    return [
        "launch", "--devices", 1, "--rank-env", "mindspore", "--work-dir", folder / "work", "--progress", "mindformers",
        "--", "python3", CONTAINER / Path(script).name, *few, *rank,
        tree / "run_mindformer.py", *generated.placed(start.arguments, places),
        *chatglm3.on_cpu(["--epochs", str(epochs), "--batch_size", str(BATCH), "--sink_mode", "False", *words]),
        "--runner_wrapper.scale_sense.loss_scale_value=256",  # the CPU sees no overflow, which 65536 brings
    ]  # fmt: skip


def arrays(checkpoint: Path) -> dict[str, np.ndarray]:
    return {name: mindspore_file.values(each) for name, each in mindspore_file.load(checkpoint).items()}


def test_training_began_with_the_converted_weights(tuned: Tuned) -> None:
    """What the network did not take is the rotary buffer, which it computes; and nothing was missing."""
    expected = f"Network parameters are not loaded: ([], ['{weights.ROTARY}'])"
    assert expected in tuned.log
    losses = [float(loss) for loss in re.findall(r"loss:\[(\d+\.\d+)/", tuned.log)]
    assert len(losses) == EPOCHS * STEPS
    assert losses[-1] < losses[0]


def test_the_merged_checkpoint_is_the_trained_model(tuned: Tuned) -> None:
    merged = arrays(tuned.folder / "merged/glm3_6b.ckpt")
    network = arrays(tuned.folder / "tuned/checkpoint_network/rank_0/glm3-6b_rank_0-network.ckpt")
    base = arrays(tuned.folder / "base/glm3_6b.ckpt")
    assert merged.keys() == network.keys() == base.keys() - {weights.ROTARY}
    assert all(np.array_equal(merged[name], network[name]) for name in merged)
    changed = [name for name in merged if not np.array_equal(merged[name], base[name])]
    assert "transformer.embedding.embedding_table" in changed
    assert "transformer.output_layer.weight" in changed


def test_the_way_back_is_the_trained_model_for_other_runtimes(tuned: Tuned) -> None:
    tuned.programs.run(
        "convert_checkpoint", "--from", "mindspore", "--to", "huggingface", "--family", "chatglm3",
        "--source", "merged", "--file", "glm3_6b.ckpt", "--base", "given", "--output", "back",
    )  # fmt: skip
    given, back = (huggingface.weights(tuned.folder / name) for name in ("given", "back"))
    merged = arrays(tuned.folder / "merged/glm3_6b.ckpt")
    assert given.keys() == back.keys()
    head = "transformer.output_layer.weight"
    assert np.array_equal(back[head].read(), merged[head])
    assert np.array_equal(back[weights.ROTARY].read(), given[weights.ROTARY].read())


def test_a_started_again_training_goes_on_where_it_was(tuned: Tuned) -> None:
    """The finished run of two epochs begins nothing; not known as finished and told to do three, it does the third."""
    log = tuned.programs.run(*_finetune(tuned.folder, tuned.tree, tuned.words, EPOCHS))
    assert "all 1 ranks have come to their end: nothing is left to train" in log

    (tuned.folder / "tuned/checkpoint/rank_0/.complete/.ended").unlink()
    log = tuned.programs.run(*_finetune(tuned.folder, tuned.tree, tuned.words, EPOCHS + 1))

    assert "going on from epoch 2 step 5, finished by all 1 ranks" in log
    assert re.findall(r"Epoch:\[ +(\d)/ +3\]", log) == ["3"] * STEPS


def predict(tuned: Tuned, *words: object) -> str:
    small = "use_past=False use_flash_attention=False is_dynamic=False seq_length=64 max_decode_length=40"
    log = tuned.mindformers(
        "--config", chatglm3.PREDICT, "--run_mode", "predict", "--output_dir", tuned.folder / "predicted",
        "--predict_data", "类型#裙*颜色#红色",
        f"--processor.tokenizer.vocab_file={tuned.folder}/merged/tokenizer.model",
        *tuned.model_words, *(f"--model.model_config.{each}" for each in small.split()), *words,
    )  # fmt: skip
    assert "text_generation_text" in log
    return log


def test_the_merged_checkpoint_answers(tuned: Tuned) -> None:
    path = tuned.folder / "merged/glm3_6b.ckpt"
    log = predict(tuned, f"--model.model_config.checkpoint_name_or_path={path}")
    assert f"weights in {path} are loaded" in log


def test_the_flag_alone_loads_nothing(tuned: Tuned) -> None:
    """At 3354237 run_mindformer.py drops --load_checkpoint for predict and eval; upstream's 9a350703 mended that."""
    log = predict(tuned, "--load_checkpoint", tuned.folder / "merged/glm3_6b.ckpt")
    assert "are loaded" not in log


def test_the_generated_evaluation_scores_the_merged_checkpoint(tuned: Tuned) -> None:
    """Its settings get round upstream's faults: version 1 of the data, their length, a checkpoint that is loaded."""
    lines = (tuned.folder / "data/dev.json").read_text(encoding="utf-8").splitlines(True)[:2]
    (tuned.folder / "short").mkdir()
    (tuned.folder / "short/dev.json").write_text("".join(lines), encoding="utf-8")
    places = {"mindformers": tuned.tree, "merge": tuned.folder / "merged", "dataset": tuned.folder / "short"}
    start = generated.start("glm3-adgen", "eval")
    words = generated.placed(start.arguments, {**places, "evaluate": tuned.folder / "evaluated"})
    small = [word for word in tuned.words if word.startswith(("--model.", "--eval_dataset.num"))]

    log = tuned.mindformers(*words, *small)

    assert f"weights in {tuned.folder}/merged/glm3_6b.ckpt are loaded" in log
    assert "bleu-4" in log
    assert "rouge-l" in log
