"""The programs that are compared: how each fetches the same files with the same number of connections."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from server import COMMIT, REPOSITORY, digests, is_big

HUGGINGFACE_HUB = "huggingface_hub[cli]==0.36.0"
ENTRY = Path(__file__).resolve().parents[2] / "container" / "fetch_weights.py"


@dataclass(frozen=True)
class Tool:
    """A row: `argv` is made for the folder it runs in, after `prepare`; `missing` says what has to be installed."""

    name: str
    argv: Callable[[Path], list[str]]
    missing: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda _folder: None
    result: Callable[[Path], Path] = lambda folder: folder / "model"
    verifies: str = "no"


def all_tools(url: str, files: Path, connections: int, python: str) -> list[Tool]:
    """Return the tools in the order of the table."""
    names = sorted(path.name for path in files.iterdir())
    return [
        _ours(url, connections, python),
        _curl(url, names, connections),
        _aria2(url, names, "1 file at a time", ["-j1", f"-x{connections}", f"-s{connections}", "-k1M"]),
        _aria2(url, names, f"{connections} files at a time", [f"-j{connections}", "-x1", "-s1"]),
        _hugging_face(url, connections),
        _git_lfs(url, files, connections),
    ]


def _ours(url: str, connections: int, python: str) -> Tool:
    source = f'{{"kind": "huggingface", "repository": "{REPOSITORY}", "revision": "{COMMIT}", "endpoint": "{url}"}}'
    identity = ["--name", "model", "--lineage", "bench", "--format", "huggingface"]
    options = ["--connections", str(connections), "--lease-heartbeat", "1", "--lease-takeover", "3"]
    return Tool(
        "fetch_weights.py",
        lambda folder: [
            *[python, "-B", str(ENTRY), "--target", str(folder / "model")],
            *[*identity, *options, "--source", source],
        ],
        verifies="sha256",
    )


def _curl(url: str, names: list[str], connections: int) -> Tool:
    def prepare(folder: Path) -> None:
        lines = [f'url = "{url}/files/{name}"\noutput = "{folder}/model/{name}"\n' for name in names]
        (folder / "list").write_text("create-dirs\n" + "".join(lines))

    options = ["--silent", "--fail", "--continue-at", "-", "--parallel", "--parallel-max", str(connections)]
    missing = "" if shutil.which("curl") else "Debian package curl"
    return Tool("curl --parallel", lambda _: ["curl", *options, "--config", "list"], missing, prepare=prepare)


def _aria2(url: str, names: list[str], label: str, options: list[str]) -> Tool:
    def prepare(folder: Path) -> None:
        (folder / "list").write_text("".join(f"{url}/files/{name}\n dir=model\n out={name}\n" for name in names))

    quiet = ["--quiet", "--continue=true", "--auto-file-renaming=false", "--file-allocation=none"]
    missing = "" if shutil.which("aria2c") else "Debian package aria2"
    return Tool(f"aria2c, {label}", lambda _: ["aria2c", *quiet, *options, "-i", "list"], missing, prepare=prepare)


def _hugging_face(url: str, connections: int) -> Tool:
    environment = {
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    arguments = [
        "download",
        REPOSITORY,
        "--revision",
        COMMIT,
        "--max-workers",
        str(connections),
        "--local-dir",
        "model",
    ]
    program = _installed(HUGGINGFACE_HUB) / "hf"
    return Tool(
        f"hf download ({HUGGINGFACE_HUB.split('==')[1]})", lambda _: [str(program), *arguments], environment=environment
    )


def _git_lfs(url: str, files: Path, connections: int) -> Tool:
    """`git clone` without content, then `git lfs pull`: what the models' documents tell people to do."""

    def prepare(folder: Path) -> None:
        work = folder / "model"
        work.mkdir(exist_ok=True)
        for file in files.iterdir():
            if is_big(file.name):
                pointer = f"oid sha256:{digests(file)[0]}\nsize {file.stat().st_size}\n"
                (work / file.name).write_text(f"version https://git-lfs.github.com/spec/v1\n{pointer}")
            else:
                shutil.copy(file, work / file.name)
        (work / ".gitattributes").write_text("".join(f"*{end} filter=lfs -text\n" for end in (".bin", ".model")))
        skip = ["-c", "filter.lfs.clean=cat", "-c", "filter.lfs.process=", "-c", "filter.lfs.required=false"]
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
        for command in (
            ["init", "-q"],
            ["add", "."],
            ["commit", "-q", "-m", "model"],
            ["config", "lfs.url", f"{url}/lfs"],
            ["config", "lfs.concurrenttransfers", str(connections)],
            ["config", "lfs.locksverify", "false"],
        ):
            subprocess.run(["git", *skip, *identity, *command], cwd=work, check=True, capture_output=True)

    missing = "" if shutil.which("git-lfs") else "Debian package git-lfs"
    return Tool(
        "git lfs pull", lambda _: ["git", "-C", "model", "lfs", "pull"], missing, prepare=prepare, verifies="sha256"
    )


def _installed(requirement: str) -> Path:
    """Return the bin folder of a virtual environment with `requirement`, made on first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cdk8s-chatglm"
    place = cache / f"bench-{requirement.partition('[')[0]}-{requirement.partition('==')[2]}"
    if not (place / "complete").exists():
        venv.create(place, with_pip=True, clear=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        (place / "complete").touch()
    return place / "bin"
