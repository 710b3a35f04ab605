"""start_mindie.py as a process: the configuration that MindIE gets, and what is refused."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from support.script import Script

SERVER = (
    "import json, os, stat, sys; path = os.environ['MIES_CONFIG_JSON_PATH']; status = os.lstat(path);"
    " print(json.dumps([stat.S_ISREG(status.st_mode), oct(stat.S_IMODE(status.st_mode)), open(path).read(),"
    " os.getcwd(), sys.argv[1:]]))"
)
WITHOUT_SERVER = '{"BackendConfig": {"ModelDeployConfig": {"ModelConfig": [{"modelWeightPath": "/weights"}]}}}'


@pytest.fixture
def script(python: str, container: Path, tmp_path: Path) -> Script:
    """Return start_mindie.py."""
    return Script(python, container, "start_mindie", tmp_path, ATB_SPEED_HOME_PATH="/opt/atb")


def delivered(folder: Path, text: str | None = None) -> Path:
    """Return a configuration as a ConfigMap delivers it: a link to a file that all may read."""
    weights = folder / "weights"
    weights.mkdir()
    (weights / "config.json").write_text('{"_name_or_path": "THUDM/chatglm3-6b"}')
    (weights / "model-00001-of-00001.safetensors").touch()
    model = {"modelWeightPath": str(weights), "modelName": "chatglm3-6b"}
    config = {
        "ServerConfig": {"managementIpAddress": "127.0.0.2", "managementPort": 1026},
        "BackendConfig": {"ModelDeployConfig": {"ModelConfig": [model]}},
    }
    (folder / "..data.json").write_text(json.dumps(config) if text is None else text)
    (folder / "..data.json").chmod(0o644)
    (folder / "delivered.json").symlink_to(folder / "..data.json")
    return folder / "delivered.json"


def test_the_server_gets_a_regular_file_of_mode_0640_and_starts_in_its_folder(
    script: Script, python: str, tmp_path: Path
) -> None:
    config, work = delivered(tmp_path), tmp_path / "work"
    work.mkdir()

    for _ in range(2):  # a container that is started again finds the file of the first time
        code, output = script.run(
            *("--config", config, "--target", work / "config.json", "--work-dir", work),
            *("--", python, "-c", SERVER, "--flag"),
        )

        assert code == 0, output
        assert json.loads(output.splitlines()[-1]) == [True, "0o640", config.read_text(), str(work), ["--flag"]]
    assert [file.name for file in work.iterdir()] == ["config.json"]


def test_what_a_killed_server_left_in_shared_memory_is_gone_before_the_next_one(
    script: Script, python: str, tmp_path: Path
) -> None:
    config, memory = delivered(tmp_path), tmp_path / "shm"
    memory.mkdir()
    left = ["sem.17_0_execute_produce_0", "17_0_execute_request", "2_llm_backend_shared_memory"]
    for name in left:
        (memory / name).touch()

    code, output = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path),
        *("--shared-memory", memory, "--", python, "-c", f"import os; print(os.listdir('{memory}'))"),
    )

    assert code == 0, output
    assert output.splitlines()[-1] == "[]"
    assert f"removed 3 files that a server left in {memory}" in output


def test_the_servers_exit_code_is_the_pods(script: Script, python: str, tmp_path: Path) -> None:
    config = delivered(tmp_path)

    code, _ = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path),
        *("--", python, "-c", "raise SystemExit(9)"),
    )

    assert code == 9


def test_nobody_else_may_read_it_whatever_the_umask(script: Script, python: str, tmp_path: Path) -> None:
    config = delivered(tmp_path)
    before = os.umask(0o077)
    try:
        script.run(
            *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path),
            *("--", python, "-c", ""),
        )
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "config.json").stat().st_mode) == 0o640


def test_a_missing_server_says_that_the_image_is_another(script: Script, tmp_path: Path) -> None:
    config = delivered(tmp_path)

    code, _ = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path),
        *("--", "mindie_llm_server"),
    )

    assert (code, script.cause) == (
        30,
        f"cannot start 'mindie_llm_server' in {tmp_path}: No such file or directory; the image has another"
        " MindIE than expected, see 'serviceDirectory' of Runtime.mindIe",
    )


def test_weights_without_a_configuration_are_named(script: Script, python: str, tmp_path: Path) -> None:
    config = delivered(tmp_path)
    (tmp_path / "weights" / "config.json").unlink()

    code, _ = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path, "--", python)
    )

    assert (code, script.cause) == (
        28,
        f"the weights {tmp_path / 'weights'} have no config.json; download the model again",
    )


def started(script: Script, folder: Path, *words: object, **environment: str) -> tuple[int, str]:
    """Return what became of a start: the exit code and the output."""
    flags = ("--config", delivered(folder), "--target", folder / "config.json", "--work-dir", folder)
    return script.run(*flags, "--", *words, **environment)


SHOW = "import os; print(os.environ['ATB_SPEED_HOME_PATH'], os.environ.get('LD_LIBRARY_PATH'))"


@pytest.mark.parametrize(
    ("before", "libraries"),
    [({}, "{home}/lib"), ({"LD_LIBRARY_PATH": "/opt/cann:/opt/driver"}, "{home}/lib:/opt/cann:/opt/driver")],
)
def test_the_package_of_the_models_is_found(
    script: Script, python: str, tmp_path: Path, before: dict[str, str], libraries: str
) -> None:
    home = tmp_path / "site" / "atb_llm"
    home.mkdir(parents=True)
    (home / "__init__.py").touch()

    code, output = started(
        script, tmp_path, python, "-c", SHOW, PYTHONPATH=str(home.parent), ATB_SPEED_HOME_PATH="", **before
    )

    assert code == 0, output
    assert output.splitlines()[-1] == f"{home} {libraries.format(home=home)}"


def test_what_set_env_says_of_the_models_stays(script: Script, python: str, tmp_path: Path) -> None:
    code, output = started(script, tmp_path, python, "-c", SHOW)

    assert (code, output.splitlines()[-1]) == (0, "/opt/atb None")


def test_an_image_without_the_models_is_named(script: Script, python: str, tmp_path: Path) -> None:
    code, _ = started(script, tmp_path, python, ATB_SPEED_HOME_PATH="")

    assert (code, script.cause) == (
        30,
        "this image has no package atb_llm, and ATB_SPEED_HOME_PATH is not set; name the set_env.sh of its ATB Models"
        " in 'setEnvScripts' of Runtime.mindIe",
    )


def test_weights_that_mindie_cannot_read_are_named(script: Script, python: str, tmp_path: Path) -> None:
    config, weights = delivered(tmp_path), tmp_path / "weights"
    (weights / "model-00001-of-00001.safetensors").rename(weights / "pytorch_model.bin")

    code, _ = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path, "--", python)
    )

    assert (code, script.cause) == (
        28,
        f"the weights {weights} are not safetensors, and MindIE reads nothing else; convert them by ConvertCheckpoint"
        " with Runtime.mindIe",
    )


@pytest.mark.parametrize(("text", "name"), [("{}", ""), ('{"_name_or_path": "/data/tuned"}', "/data/tuned")])
def test_a_model_whose_name_says_nothing_is_warned_of(
    script: Script, python: str, tmp_path: Path, text: str, name: str
) -> None:
    config, weights = delivered(tmp_path), tmp_path / "weights"
    (weights / "config.json").write_text(text)

    code, output = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path),
        *("--", python, "-c", ""),
    )

    assert code == 0, output
    assert (
        f"WARNING start_mindie: _name_or_path in {weights}/config.json is '{name}'; MindIE goes by chatglm2, chatglm3,"
        " glm-4 in it to know the model, set it by PatchModel\n"
    ) in output


def test_a_configuration_of_no_model_is_named(script: Script, python: str, tmp_path: Path) -> None:
    config, weights = delivered(tmp_path), tmp_path / "weights"
    (weights / "config.json").write_text("[]")

    code, _ = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path, "--", python)
    )

    assert (code, script.cause) == (
        28,
        f"{weights}/config.json is no configuration of a model: 'list' object has no attribute 'get'",
    )


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("{}", "KeyError: 'BackendConfig'"),
        ('{"BackendConfig": []}', "TypeError: list indices must be integers or slices, not str"),
        (WITHOUT_SERVER, "KeyError: 'ServerConfig'"),
    ],
)
def test_what_is_no_configuration_is_refused(
    script: Script, python: str, tmp_path: Path, text: str, cause: str
) -> None:
    config = delivered(tmp_path, text)

    code, _ = script.run(
        *("--config", config, "--target", tmp_path / "config.json", "--work-dir", tmp_path, "--", python)
    )

    assert (code, script.cause) == (31, f"{config} is no configuration of MindIE: {cause}")
    assert not (tmp_path / "config.json").exists()


def test_a_target_that_cannot_be_written_is_named(script: Script, python: str, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "config.json"

    code, _ = script.run(*("--config", delivered(tmp_path), "--target", target, "--work-dir", tmp_path, "--", python))

    assert (code, script.cause) == (31, f"cannot write {target}: No such file or directory")
