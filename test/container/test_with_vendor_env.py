"""The vendor's set_env.sh files around a command: what they add is there, what the pod sets stays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), sys.argv[1:]]))"
ODD = ' a\'b\n\n$HOME "q" `x` \\ *\n'


def tools(folder, *names):
    """A folder for PATH that has the programs `names` and nothing else."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


@pytest.fixture(params=["bash", "without bash"])
def run(request, container, tmp_path):
    """Runs the script under bash, and under the plain shell of an image that has no bash."""
    path = "/usr/bin:/bin" if request.param == "bash" else tools(tmp_path / "tools", "sh", "env")

    def run(*arguments, **env):
        environment = {"PATH": path, "TERMINATION_MESSAGE_PATH": str(tmp_path / "message"), **env}
        return subprocess.run(
            ["/bin/sh", str(container / "with_vendor_env.sh"), *map(str, arguments)],
            env=environment,
            cwd=str(tmp_path),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    run.path = path
    return run


def shown(result):
    """Environment, working directory and arguments of the command."""
    assert result.returncode == 0, result.stderr
    environment, folder, arguments = json.loads(result.stdout)
    return environment, folder, arguments


def source(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_the_pods_values_win_and_the_files_add(run, tmp_path):
    first = source(tmp_path, "first.sh", "export KEPT=vendor ADDED=first EMPTY=vendor SEEN=$KEPT\n")
    second = source(tmp_path, "second file.sh", "export ADDED=second MORE=$ADDED\n")
    result = run(
        "--source", first, "--source", second, "--", sys.executable, "-c", SHOW, KEPT="pod", EMPTY=""
    )
    environment, _, _ = shown(result)
    names = ("KEPT", "EMPTY", "ADDED", "MORE", "SEEN")
    assert {name: environment[name] for name in names} == {
        "KEPT": "pod",
        "EMPTY": "",
        "ADDED": "second",
        "MORE": "first",
        "SEEN": "pod",
    }


def test_path_lists_are_joined_without_duplicates(run, tmp_path):
    text = (
        "export PATH=/vendor/bin:$PATH:/vendor/bin\n"
        "export LD_LIBRARY_PATH=/vendor/lib:/pod/lib:$LD_LIBRARY_PATH\n"
        "export PYTHONPATH=/vendor/python:$PYTHONPATH\n"
    )
    result = run(
        *("--source", source(tmp_path, "set_env.sh", text), "--", sys.executable, "-c", SHOW),
        LD_LIBRARY_PATH="/pod/lib:/pod/*",
    )
    environment, _, _ = shown(result)
    assert environment["PATH"] == f"{run.path}:/vendor/bin"
    assert environment["LD_LIBRARY_PATH"] == "/pod/lib:/pod/*:/vendor/lib"
    assert environment["PYTHONPATH"] == "/vendor/python"


def test_values_and_arguments_survive_byte_by_byte(run, tmp_path):
    file = source(tmp_path, "set_env.sh", "export ODD=vendor\nIFS=,\n")
    arguments = [ODD, "", "--", "--source", "-n", "a  b"]
    environment, _, given = shown(
        run("--source", file, "--", sys.executable, "-c", SHOW, *arguments, ODD=ODD)
    )
    assert environment["ODD"] == ODD
    assert given == arguments


def test_nothing_of_ours_is_left_in_the_environment(run, tmp_path):
    environment, _, _ = shown(
        run("--source", source(tmp_path, "set_env.sh", ""), "--", sys.executable, "-c", SHOW)
    )
    assert [name for name in environment if "wve" in name.lower()] == []
    assert {"LD_LIBRARY_PATH", "PYTHONPATH"} & set(environment) == set()


def test_a_file_that_goes_elsewhere_or_fails_does_not_matter(run, tmp_path):
    text = 'set -u\ni=7; file=x; cd /\n[ "$#" -eq 0 ] && export WITHOUT_ARGUMENTS=1\nset --\nfalse\n'
    environment, folder, _ = shown(
        run("--source", source(tmp_path, "set_env.sh", text), "--", sys.executable, "-c", SHOW)
    )
    assert (environment["WITHOUT_ARGUMENTS"], folder, environment["PWD"]) == (
        "1",
        str(tmp_path),
        str(tmp_path),
    )


def test_the_command_takes_our_place(run, tmp_path):
    result = run("--source", source(tmp_path, "set_env.sh", ""), "--", "sh", "-c", "exit 7")
    assert result.returncode == 7


def test_without_files_the_command_just_runs(run):
    _, _, arguments = shown(run("--", sys.executable, "-c", SHOW, "x"))
    assert arguments == ["x"]


def test_a_missing_file_is_named(run, tmp_path):
    message = f"cannot read '{tmp_path}/no.sh', which is to be sourced; the image has no such file"
    result = run("--source", tmp_path / "no.sh", "--", "true")
    assert (result.returncode, result.stderr) == (30, f"with_vendor_env.sh: {message}\n")
    assert (tmp_path / "message").read_text() == f"with_vendor_env.sh: {message}"


def test_a_file_that_ends_the_shell_is_named(run, tmp_path):
    file = source(tmp_path, "set_env.sh", "exit 3\n")
    result = run("--source", file, "--", "true")
    message = f"with_vendor_env.sh: sourcing {file} ended the shell with code 3\n"
    assert (result.returncode, result.stderr) == (30, message)


USAGE = "usage: with_vendor_env.sh [--source FILE]... -- command [argument]...\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no command is given"),
        (["--"], "no command is given"),
        (["--source"], "--source needs a file"),
        (["--source", "--", "x"], "--source needs a file"),
        (["x", "--", "y"], "unknown argument 'x'"),
    ],
)
def test_wrong_usage(run, arguments, message):
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (20, f"with_vendor_env.sh: {message}; {USAGE}")


def test_bash_is_used_where_there_is_one(container, tmp_path):
    file = source(tmp_path, "set_env.sh", "declare -x FROM_BASH=1\n[[ -n $FROM_BASH ]] && export TESTED=1\n")
    result = subprocess.run(
        ["/bin/sh", str(container / "with_vendor_env.sh"), "--source", str(file), "--", "env"],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=20,
    )
    assert {"FROM_BASH=1", "TESTED=1"} <= set(result.stdout.splitlines())


def test_names_that_no_shell_variable_has_pass_through_bash(container, tmp_path):
    """Kubernetes allows them; samples of Volcano jobs name a variable after the job."""
    result = subprocess.run(
        [
            "bash",
            str(container / "with_vendor_env.sh"),
            "--source",
            str(source(tmp_path, "s.sh", "")),
            "--",
            "env",
        ],
        env={"PATH": os.environ["PATH"], "mindx-dls-test": "pod-0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=20,
    )
    assert "mindx-dls-test=pod-0" in result.stdout.splitlines()


def test_the_launcher_runs_under_it(python, container, tmp_path):
    file = source(
        tmp_path, "set_env.sh", "export LD_LIBRARY_PATH=/vendor/lib:$LD_LIBRARY_PATH HCCL_BUFFSIZE=200\n"
    )
    launcher = [python, str(container / "launch.py"), "--devices", "2", "--rank-env", "mindspore", "--"]
    rank = ["sh", "-c", 'echo "$RANK_ID $HCCL_BUFFSIZE $LD_LIBRARY_PATH"']
    result = subprocess.run(
        [str(container / "with_vendor_env.sh"), "--source", str(file), "--", *launcher, *rank],
        env={"PATH": os.environ["PATH"], "HCCL_BUFFSIZE": "110", "LD_LIBRARY_PATH": "/pod/lib"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=20,
    )
    shown_by_ranks = sorted(line for line in result.stdout.splitlines() if line.startswith("[rank "))
    assert shown_by_ranks == [f"[rank {rank}] {rank} 110 /pod/lib:/vendor/lib" for rank in (0, 1)]
