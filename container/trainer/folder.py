"""A folder made ready for a program that writes into its working directory and looks for files there.

MindFormers writes `output/` into the working directory as soon as it is imported, and the version of June
2023 takes the tokenizer of its metric from `checkpoint_download/glm/ice_text.model` there, or downloads it
(mindformers@c8a5808 mindformers/core/metric/metric.py, ADGENMetric; mindformers/mindformer_book.py).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from artifacts.durable import replace_file
from pod.arguments import Parser
from pod.exit_codes import NOT_FOUND, UNSAFE_NAME, USAGE, Fault
from pod.main import run
from training.settings import apply, yaml

NAME = "enter_folder"
PYTHON_PATH = "PYTHONPATH"

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's); return the exit code if it cannot start."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options, argv = _parse(list(arguments))
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, target in options.link:
        _link(options.folder, name, target)
    if options.config is not None:
        _patch(options.folder, options.config, options.set)
    os.chdir(str(options.folder))
    if options.python_path:
        first = [str(path) for path in options.python_path]
        os.environ[PYTHON_PATH] = os.pathsep.join(first + [p for p in [os.environ.get(PYTHON_PATH)] if p])
    log.info("in %s: %s", options.folder, " ".join(argv))
    try:
        os.execvp(argv[0], argv)  # noqa: S606 (words, no shell)
    except OSError as error:
        raise Fault(NOT_FOUND, f"{argv[0]} cannot be started: {error.strerror}") from error


def _parse(arguments: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    flags, argv = arguments[:place], arguments[place + 1 :]
    parser = Parser(prog=NAME, description="Run a command in a folder.", allow_abbrev=False)
    parser.add_argument("--folder", required=True, type=Path, metavar="DIR", help="made if it is not there")
    parser.add_argument(
        "--link", type=_named, action="append", default=[], metavar="NAME=FILE", help="in the folder"
    )
    parser.add_argument(
        "--python-path", type=Path, action="append", default=[], metavar="DIR", help="before those there are"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE.yaml", help="a copy of it is put into the folder"
    )
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="changes the copy")
    options = parser.parse_args(flags)
    if options.set and options.config is None:
        raise Fault(USAGE, "--set changes the copy of --config, which is not given")
    if not argv:
        raise Fault(USAGE, "no command is given; put it after '--', as in: -- python3 run_mindformer.py")
    return options, argv


def _named(text: str) -> Tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not name or not equals or not file:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=FILE")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise Fault(UNSAFE_NAME, f"--link is {text!r}, but its name must be inside the folder")
    return name, Path(file)


def _patch(folder: Path, config: Path, changes: Sequence[str]) -> None:
    try:
        document = yaml().safe_load(config.read_text("utf-8"))
    except OSError as error:
        raise Fault(NOT_FOUND, f"configuration {config} cannot be read: {error.strerror}") from error
    apply(document, [(path, value) for path, _, value in (change.partition("=") for change in changes)])
    text: str = yaml().safe_dump(document, sort_keys=False, allow_unicode=True)
    replace_file(folder / config.name, text.encode("utf-8"))


def _link(folder: Path, name: str, target: Path) -> None:
    """Link `target` as `name`; what an earlier start left there is replaced."""
    if not target.exists():
        raise Fault(NOT_FOUND, f"{target} is not there, which the program looks for as {name}")
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.unlink()
    place.symlink_to(target.resolve())
