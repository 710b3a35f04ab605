"""The folder that a program of MindFormers runs in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support.script import Script

USAGE, NOT_FOUND, UNSAFE_NAME, BAD_SETTING = 20, 22, 26, 31
PACKAGES = Path(__file__).resolve().parent / "support" / "stub_mindspore"
LOOK = (
    "import json, os, sys;"
    " print('SEEN', json.dumps([os.getcwd(), sys.argv[1:], os.environ.get('PYTHONPATH', '')]))"
)


@pytest.fixture
def script(python, container, tmp_path):
    return Script(python, container, "enter_folder", tmp_path)


def seen(output):
    return json.loads(output.split("SEEN ", 1)[1].splitlines()[0])


def look(*words):
    return ("--", sys.executable, "-c", LOOK, *words)


def test_the_command_runs_in_the_folder_which_is_made(script, tmp_path):
    folder = tmp_path / "a" / "b"
    code, output = script.run("--folder", folder, *look("--x", "1 2"), PYTHONPATH="/old")
    assert (code, seen(output)) == (0, [str(folder), ["--x", "1 2"], "/old"])


def test_files_are_linked_under_other_names_again_at_each_start(script, tmp_path):
    folder, first, second = tmp_path / "work", tmp_path / "first.model", tmp_path / "second.model"
    name = "checkpoint_download/glm/ice_text.model"
    for file in (first, second):
        file.write_text(file.name)
        assert script.run("--folder", folder, "--link", f"{name}={file}", *look())[0] == 0
        assert (folder / name).read_text() == file.name
    assert second.read_text() == "second.model"


def test_a_source_tree_comes_before_what_the_image_imports(script, tmp_path):
    flags = ("--folder", tmp_path, "--python-path", "/tree", "--python-path", "/more")
    assert seen(script.run(*flags, *look(), PYTHONPATH="/a:/b")[1])[2] == "/tree:/more:/a:/b"
    assert seen(script.run(*flags, *look())[1])[2] == "/tree:/more"


def test_a_changed_copy_of_the_configuration_lies_in_the_folder(script, tmp_path):
    config = tmp_path / "tree" / "predict.yaml"
    config.parent.mkdir()
    config.write_text(json.dumps({"context": {"max_device_memory": "59GB"}, "model": {"model_config": {}}}))
    flags = ("--folder", tmp_path / "work", "--config", config)
    changes = (
        *("--set", "context.max_device_memory=29GB"),
        *("--set", 'model.model_config.pet_config={"pet_type": "lora"}'),
    )
    code, output = script.run(*flags, *changes, *look(), PYTHONPATH=str(PACKAGES))
    assert code == 0, output
    assert json.loads((tmp_path / "work" / "predict.yaml").read_text()) == {
        "context": {"max_device_memory": "29GB"},
        "model": {"model_config": {"pet_config": {"pet_type": "lora"}}},
    }
    assert "59GB" in config.read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "cause"),
    [
        ((), USAGE, "no command is given; put it after '--', as in: -- python3 run_mindformer.py"),
        (
            ("--set", "a=b", "--", "true"),
            USAGE,
            "--set changes the copy of --config, which is not given",
        ),
        (
            ("--link", "../x=/etc/passwd", "--", "true"),
            UNSAFE_NAME,
            "--link is '../x=/etc/passwd', but its name must be inside the folder",
        ),
        (
            ("--link", "/x=/etc/passwd", "--", "true"),
            UNSAFE_NAME,
            "--link is '/x=/etc/passwd', but its name must be inside the folder",
        ),
        (
            ("--link", "x=/not/there", "--", "true"),
            NOT_FOUND,
            "/not/there is not there, which the program looks for as x",
        ),
        (
            ("--config", "/not/there.yaml", "--", "true"),
            NOT_FOUND,
            "configuration /not/there.yaml cannot be read: No such file or directory",
        ),
        (
            ("--", "no-such-program-here"),
            NOT_FOUND,
            "no-such-program-here cannot be started: No such file or directory",
        ),
    ],
)
def test_what_cannot_be_done_says_why(script, tmp_path, arguments, code, cause):
    assert script.run("--folder", tmp_path / "w", *arguments, PYTHONPATH=str(PACKAGES))[0] == code
    assert script.cause == cause


def test_a_key_that_the_configuration_has_not(script, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text('{"context": {}}')
    flags = ("--folder", tmp_path / "w", "--config", config, "--set", "contxt.mode=0")
    assert script.run(*flags, "--", "true", PYTHONPATH=str(PACKAGES))[0] == BAD_SETTING
    assert script.cause == "'contxt.mode': the configuration has no 'contxt' there; it has context"
