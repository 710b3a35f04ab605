"""Puts MindIE's configuration where the server accepts it, and becomes the server.

MindIE refuses a configuration that is a symbolic link or that others may read: its checks want a regular file
of mode 0640 at most (Ascend/MindIE-LLM@8b4871ad, RegularFilePath and IsFileValid). A ConfigMap's file is
readable for all, and in most mounts a link.

A container that is started again finds the shared memory of the server that died, which must go first
(Ascend/MindIE-LLM@28edebfc docs/zh/user_guide/user_manual/prefill_decode_mixed_deployment.md).
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Dict, List, NamedTuple, NoReturn, Optional, Sequence, cast

from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, IMAGE_MISMATCH, Fault
from pod.main import run

_log = logging.getLogger(__name__)
_MODE = 0o640
_PATH_VARIABLE = "MIES_CONFIG_JSON_PATH"
_LEFT_BEHIND = ("*llm_backend_*", "llm_tokenizer_shared_memory_*")


class Options(NamedTuple):
    """The command line."""

    config: Path
    target: Path
    work_dir: Path
    shared_memory: Path
    argv: List[str]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Copy the configuration and become the server; a mistake ends with its code."""
    return run("start_mindie", lambda: _start(_parse(arguments)))


def _parse(arguments: Optional[Sequence[str]]) -> Options:
    parser = Parser(prog="start_mindie.py", description=__doc__)
    parser.add_argument("--config", required=True, type=Path, help="the configuration as it was delivered")
    parser.add_argument("--target", required=True, type=Path, help="the file that the server reads")
    parser.add_argument(
        "--work-dir", required=True, type=Path, help="where the server starts and keeps kernels"
    )
    parser.add_argument("--shared-memory", type=Path, default=Path("/dev/shm"), metavar="DIR")  # noqa: S108 (the pod's own)
    parser.add_argument("argv", nargs="+", metavar="-- ARGV", help="the server's command, after --")
    return Options(**vars(parser.parse_args(arguments)))


def _start(options: Options) -> NoReturn:
    text = _read(options.config)
    _check_weights(text, options.config)
    copy_config(text, options.target)
    _forget_shared_memory(options.shared_memory)
    _log.info("configuration of %s is at %s, mode %o", options.config, options.target, _MODE)
    try:
        os.chdir(str(options.work_dir))
        environment = {**os.environ, _PATH_VARIABLE: str(options.target)}
        os.execvpe(options.argv[0], options.argv, environment)  # noqa: S606 (the pod's own command)
    except OSError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"cannot start '{options.argv[0]}' in {options.work_dir}: {error.strerror}; the image has another"
            " MindIE than expected, see 'serviceDirectory' of Runtime.mindIe",
        ) from None


def _forget_shared_memory(folder: Path) -> None:
    left = sorted({path for pattern in _LEFT_BEHIND for path in folder.glob(pattern) if path.is_file()})
    for path in left:
        path.unlink()
    if left:
        _log.info("removed %d files that a server left in %s", len(left), folder)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(BAD_SETTING, f"cannot read the configuration {file}: {error}") from None


def _check_weights(text: str, file: Path) -> None:
    """Without the model's own configuration the server ends with a trace that names no file."""
    try:
        document = cast(Dict[str, Dict[str, Dict[str, List[Dict[str, str]]]]], json.loads(text))
        weights = Path(document["BackendConfig"]["ModelDeployConfig"]["ModelConfig"][0]["modelWeightPath"])
    except (ValueError, LookupError, TypeError) as error:
        raise Fault(
            BAD_SETTING, f"{file} is no configuration of MindIE: {type(error).__name__}: {error}"
        ) from None
    if not (weights / "config.json").is_file():
        raise Fault(BAD_ARTIFACT, f"the weights {weights} have no config.json; download the model again")


def copy_config(text: str, target: Path) -> None:
    """Write `text` to `target` as a regular file of mode 0640, whole or not at all."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        descriptor = os.open(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(text)
        temporary.replace(target)
    except OSError as error:
        raise Fault(BAD_SETTING, f"cannot write {target}: {error.strerror}") from None
