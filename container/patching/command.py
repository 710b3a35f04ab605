"""The command lines of patch_modeling.py and patch_config.py."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from artifacts.durable import replace_file
from artifacts.storage import storing
from patching.config_json import CONFIG, patch_config
from patching.copy_of import check_folders, copy_files
from patching.modeling import patch_modeling
from patching.module_cache import forget
from patching.patches import PATCHES
from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, Fault
from pod.main import run

MODELING = "modeling_chatglm.py"


def modeling_main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run patch_modeling.py and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    return run("patch_modeling", lambda: _run("patch_modeling", True, given))


def config_main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run patch_config.py and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    return run("patch_config", lambda: _run("patch_config", False, given))


def _run(name: str, patches: bool, arguments: Sequence[str]) -> int:
    options = _parser(name, patches).parse_args(list(arguments))
    source, output = options.source, options.output
    check_folders(source, output)
    # The source's text is patched, never the copy's, so that a restart begins where the first one began.
    changed = _changed(options, logging.getLogger(name))
    copied = copy_files(source, output)
    for file, text in changed.items():
        with storing(output):
            replace_file(output / file, text.encode("utf-8"))
    for path in forget(output, os.environ):
        logging.getLogger(name).info("removed %s, an older copy of this model's code", path)
    logging.getLogger(name).info("%s: %d files, %d linked to %s", output, copied.files, copied.linked, source)
    return DONE


def _parser(name: str, patches: bool) -> Parser:
    parser = Parser(prog=f"{name}.py", description="Copy a model and change the copy.", allow_abbrev=False)
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="the model; stays as it is")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the changed copy")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        required=not patches,
        type=_setting,
        metavar="KEY=JSON",
        help=f"set a top-level key of {CONFIG}",
    )
    if patches:
        parser.add_argument(
            "--patch", action="append", required=True, nargs="+", choices=sorted(PATCHES), metavar="NAME"
        )
        parser.add_argument("--file", default=MODELING, help=f"the remote code (default {MODELING})")
    return parser


def _setting(text: str) -> Tuple[str, Any]:
    key, separator, value = text.partition("=")
    try:
        if separator and key:
            return key, json.loads(value)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(
        f"'{text}' must be KEY=JSON, as in seq_length=512 or float_layers_id=[0]"
    )


def _changed(options: argparse.Namespace, log: logging.Logger) -> Dict[str, str]:
    changed: Dict[str, str] = {}
    if getattr(options, "patch", None):
        names: List[str] = [name for group in options.patch for name in group]
        path = options.source / options.file
        patched = patch_modeling(_read(path), names, str(path))
        counts = ", ".join(f"{name} {count} times" for name, count in patched.counts.items())
        log.info("%s: %s", options.file, counts or "was patched before")
        changed[options.file] = patched.text
    if options.set:
        path = options.source / CONFIG
        text, changes = patch_config(_read(path), dict(options.set), str(path))
        log.info("%s: %s", CONFIG, "; ".join(changes) or "had these values before")
        changed[CONFIG] = text
    return changed


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise Fault(BAD_ARTIFACT, f"{path} is missing; is this a model of Hugging Face's form?") from None
    except UnicodeDecodeError as error:
        raise Fault(BAD_ARTIFACT, f"{path} is not UTF-8: {error}; download the model again") from error
