"""ChatGLM-6B by MindFormers' Trainer: what the Trainer is asked, and what is refused before anything is imported."""

from __future__ import annotations

import json

import pytest

from support.mindformers_tree import make_tree
from support.script import Script

USAGE, NOT_FOUND, IMAGE_MISMATCH = 20, 22, 30


@pytest.fixture
def glm(python, container, tmp_path):
    """Return a function that runs the script over a tree; its exit code, what the Trainer was told, its output."""
    script = Script(python, container, "train_glm", tmp_path)
    tree = make_tree(tmp_path / "tree")
    told = tmp_path / "told"

    def run(*arguments):
        common = ("--source-tree", tree, "--config", tree / "configs/glm.yaml")
        code, output = script.run(*common, *arguments, TOLD=str(told))
        calls = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
        return code, calls, output

    run.script, run.tree = script, tree
    return run


FINETUNE = (
    *("--task", "text_generation", "--model_type", "glm_6b_lora", "--run_mode", "finetune"),
    *("--load_checkpoint", "/w/glm_6b.ckpt", "--train_dataset_dir", "/d/train.mindrecord"),
)


def trainer(glm, **values):
    return [
        "Trainer",
        {
            **{"args": str(glm.tree / "configs/glm.yaml"), "task": "text_generation", "callbacks": 0},
            **{"train_dataset": None, "eval_dataset": None, **values},
        },
    ]


def test_a_fine_tune_in_parallel(glm):
    code, calls, _ = glm(*FINETUNE, "--use_parallel", "True", "--eval_dataset_dir", "/d/eval.mindrecord")
    parallel = {"data_parallel": 1, "model_parallel": 8, "pipeline_stage": 1, "micro_batch_num": 1}
    assert (code, calls) == (
        0,
        [
            ["build_context", {"use_parallel": True}],
            ["freeze", {"pet_type": "lora"}],
            trainer(
                glm,
                model="glm_6b_lora",
                train_dataset="/d/train.mindrecord",
                eval_dataset="/d/eval.mindrecord",
            ),
            ["set_parallel_config", {**parallel, "optimizer_shard": False}],
            ["finetune", {"finetune_checkpoint": "/w/glm_6b.ckpt", "resume_training": False}],
        ],
    )


@pytest.mark.parametrize(("word", "value"), [("True", True), ("true", True), ("False", False)])
def test_booleans_are_booleans(glm, word, value):
    code, calls, _ = glm(*FINETUNE, "--use_parallel", word, "--resume_training", word)
    assert (code, calls[0]) == (0, ["build_context", {"use_parallel": value}])
    assert [name for name, _ in calls].count("set_parallel_config") == int(value)
    assert calls[-1] == ["finetune", {"finetune_checkpoint": "/w/glm_6b.ckpt", "resume_training": value}]


def test_an_evaluation_loads_the_checkpoint(glm):
    evaluation = ("--model_type", "glm_6b_chat", "--run_mode", "eval", "--eval_dataset_dir", "/d/eval.mindrecord")
    code, calls, _ = glm(*evaluation, "--load_checkpoint", "/w/glm_6b.ckpt", "--use_parallel", "False")
    assert code == 0
    assert calls[2:] == [
        trainer(glm, model="glm_6b_chat", eval_dataset="/d/eval.mindrecord"),
        ["evaluate", {"eval_checkpoint": "/w/glm_6b.ckpt"}],
    ]


def test_training_may_begin_without_a_checkpoint(glm):
    code, calls, _ = glm("--model_type", "glm_6b", "--run_mode", "train", "--train_dataset_dir", "/d")
    assert (code, calls[-1]) == (0, ["train", {"train_checkpoint": False, "resume_training": False}])


def test_for_the_strategy_alone_nothing_is_frozen_and_a_step_is_enough(glm):
    code, calls, output = glm(*FINETUNE, "--use_parallel", "True", "--only_strategy", "True")
    assert code == 0
    assert [name for name, _ in calls] == [
        *("build_context", "Trainer", "set_parallel_config", "finetune", "request_stop")
    ]
    assert calls[1][1]["callbacks"] == 1
    assert "compiled; stopping" in output


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (("--model_type", "glm_6b", "--run_mode", "eval"), "--run_mode eval needs --eval_dataset_dir"),
        (
            (
                *("--model_type", "glm_6b", "--run_mode", "eval", "--eval_dataset_dir", "/d"),
                *("--use_parallel", "True"),
            ),
            "--run_mode eval generates text on one device: leave --use_parallel False",
        ),
        (
            ("--model_type", "glm_6b", "--run_mode", "finetune"),
            "--run_mode finetune needs --train_dataset_dir",
        ),
        (
            ("--model_type", "glm_6b", "--run_mode", "finetune", "--train_dataset_dir", "/d"),
            "--run_mode finetune needs --load_checkpoint",
        ),
        (
            (
                *("--model_type", "glm_6b", "--run_mode", "train", "--train_dataset_dir", "/d"),
                *("--only_strategy", "True"),
            ),
            "--only_strategy goes with --run_mode finetune, not train",
        ),
    ],
)
def test_what_does_not_go_together(glm, arguments, cause):
    code, calls, _ = glm(*arguments)
    assert (code, calls, glm.script.cause) == (USAGE, [], cause)


def test_a_word_that_is_no_boolean(glm):
    code, _, _ = glm(*FINETUNE, "--use_parallel", "yes")
    assert code == USAGE
    assert glm.script.cause.startswith("argument --use_parallel: 'yes' must be True or False; usage: train_glm")


def test_a_folder_that_is_no_tree(glm, tmp_path):
    code, output = glm.script.run(
        "--source-tree", tmp_path, "--config", tmp_path / "glm.yaml", *FINETUNE, TOLD="/nowhere"
    )
    assert code == NOT_FOUND
    assert glm.script.cause == f"{tmp_path} has no folder mindformers: is it a source tree of it?", output


def test_an_image_without_what_mindformers_needs(glm):
    (glm.tree / "mindformers/tools/register.py").write_text("import tk_that_no_image_has\n")
    code, _, _ = glm(*FINETUNE)
    assert code == IMAGE_MISMATCH
    assert glm.script.cause == (
        "mindformers.tools.register cannot be imported (No module named 'tk_that_no_image_has');"
        " the image needs MindSpore and what MindFormers' requirements name"
    )
