"""patch_modeling.py and patch_config.py as processes, over artifacts."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from pathlib import Path

import pytest

from support.patching_models import VARIANTS
from support.script import Script

SIZE = 17 * 1024 * 1024
CONFIG = {"model_type": "chatglm", "seq_length": 32768, "名": "值"}


@pytest.fixture
def model(tmp_path) -> Path:
    """A model with one large file, remote code, and a marker."""
    folder = tmp_path / "store" / "weights-0123"
    (folder / "sub").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG, ensure_ascii=False), encoding="utf-8")
    (folder / "modeling_chatglm.py").write_text(VARIANTS[5].text)
    (folder / "sub" / "tokenizer.model").write_bytes(b"\0tokens")
    (folder / "pytorch_model.bin").write_bytes(os.urandom(1024) * (SIZE // 1024))
    (folder / ".cdk8s-chatglm.json").write_text("{}")
    return folder


@pytest.fixture
def output(model) -> Path:
    return model.parent / "patched-4567"


@pytest.fixture
def modeling(python, container, tmp_path) -> Script:
    return Script(python, container, "patch_modeling", tmp_path)


@pytest.fixture
def config(python, container, tmp_path) -> Script:
    return Script(python, container, "patch_config", tmp_path)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class TestCopy:
    def test_the_copy_is_patched_and_the_source_stays(self, modeling, model, output):
        before = contents(model)
        code, said = modeling.run("--source", model, "--output", output, "--patch", "jit", "skip-init")
        assert code == 0, said
        assert "modeling_chatglm.py: jit 4 times, skip-init 1 times" in said
        assert f"{output}: 4 files, 1 linked to {model}" in said
        assert contents(model) == before
        after = contents(output)
        assert set(after) == set(before) - {".cdk8s-chatglm.json"}
        assert {name for name in after if after[name] != before[name]} == {"modeling_chatglm.py"}
        assert "pass" in (output / "modeling_chatglm.py").read_text()

    def test_large_files_are_linked_and_small_ones_are_not(self, modeling, model, output):
        assert modeling.run("--source", model, "--output", output, "--patch", "jit")[0] == 0
        assert (output / "pytorch_model.bin").samefile(model / "pytorch_model.bin")
        assert not (output / "sub" / "tokenizer.model").samefile(model / "sub" / "tokenizer.model")
        assert not (output / "config.json").samefile(model / "config.json")

    def test_the_same_again_in_a_half_filled_folder(self, modeling, model, output):
        arguments = ("--source", model, "--output", output, "--patch", "jit", "--set", "seq_length=512")
        assert modeling.run(*arguments)[0] == 0
        whole = contents(output)
        (output / "pytorch_model.bin").unlink()
        (output / "pytorch_model.bin").write_bytes(b"half")
        (output / "sub" / "tokenizer.model.part").write_bytes(b"ha")
        (output / "config.json.0123abcd.tmp").write_bytes(b"{")
        (output / "modeling_chatglm.py").write_text("broken")
        assert modeling.run(*arguments)[0] == 0
        assert contents(output) == whole

    def test_killed_at_any_time_and_started_again(self, modeling, model, output):
        arguments = ("--source", model, "--output", output, "--patch", "jit")
        assert modeling.run(*arguments)[0] == 0
        whole = contents(output)
        for index in range(4):
            process = modeling.start(*arguments)
            time.sleep(0.03 * index)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert modeling.run(*arguments)[0] == 0
        assert contents(output) == whole

    def test_the_code_that_transformers_kept_is_forgotten(self, modeling, model, output, tmp_path):
        kept = tmp_path / "cache" / "transformers_modules"
        for name in (output.name, "patched_hyphen_4567", "another"):
            (kept / name).mkdir(parents=True)
            (kept / name / "modeling_chatglm.py").write_text("old")
        arguments = ("--source", model, "--output", output, "--patch", "jit")
        code, said = modeling.run(*arguments, HF_MODULES_CACHE=str(tmp_path / "cache"))
        assert code == 0
        assert f"removed {kept / output.name}, an older copy of this model's code" in said
        assert [path.name for path in kept.iterdir()] == ["another"]


class TestConfig:
    def test_keys_are_added_and_changed_and_the_rest_stays_in_order(self, config, model, output):
        code, said = config.run(
            "--source", model, "--output", output, "--set", "world_size=1", "--set", "float_layers_id=[0]",
            "--set", "seq_length=512",
        )  # fmt: skip
        assert code == 0, said
        changes = "world_size added as 1; float_layers_id added as [0]; seq_length changed from 32768 to 512"
        assert f"config.json: {changes}" in said
        result = json.loads((output / "config.json").read_text(encoding="utf-8"))
        assert list(result.items()) == [
            ("model_type", "chatglm"), ("seq_length", 512), ("名", "值"), ("world_size", 1), ("float_layers_id", [0]),
        ]  # fmt: skip
        assert json.loads((model / "config.json").read_text(encoding="utf-8")) == CONFIG

    def test_a_value_that_is_there_is_said_so(self, config, model, output):
        _, said = config.run("--source", model, "--output", output, "--set", "seq_length=32768")
        assert "config.json: had these values before" in said


class TestRefused:
    @pytest.mark.parametrize(
        ("arguments", "code", "cause"),
        [
            (["--patch", "torch-concat"], 28,
             "patch 'torch-concat' does not fit {model}/modeling_chatglm.py: 'torch.concat(' is there 0 times, must be "
             "at least once; leave the patch out if this file does not need it, or use the revision that it is for"),
            (["--patch", "jit", "--file", "modeling_glm.py"], 28,
             "{model}/modeling_glm.py is missing; is this a model of Hugging Face's form?"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_leaves_no_copy(self, modeling, model, output, arguments, code, cause):
        assert modeling.run("--source", model, "--output", output, *arguments)[0] == code
        assert modeling.cause == cause.format(model=model)
        assert not output.exists()

    def test_a_setting_that_is_no_json(self, config, model, output):
        assert config.run("--source", model, "--output", output, "--set", "seq_length=a")[0] == 20
        assert config.cause.startswith(
            "argument --set: 'seq_length=a' must be KEY=JSON, as in seq_length=512 or float_layers_id=[0]; usage: "
        )

    def test_a_config_that_is_no_json(self, config, model, output):
        (model / "config.json").write_text("{'a': 1}")
        assert config.run("--source", model, "--output", output, "--set", "a=1")[0] == 28
        assert config.cause == (
            f"{model}/config.json is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 "
            "(char 1); download the model again"
        )

    @pytest.mark.parametrize("place", [".", "inside"])
    def test_an_output_in_the_source(self, modeling, model, place):
        output = model / place
        assert modeling.run("--source", model, "--output", output, "--patch", "jit")[0] == 31
        assert modeling.cause == f"--output {output} and --source {model} must be apart: neither in the other"

    def test_a_source_that_is_not_there(self, modeling, model, output):
        assert modeling.run("--source", model / "x", "--output", output, "--patch", "jit")[0] == 22
        assert modeling.cause == f"--source {model / 'x'} is not a folder; is the store mounted?"
