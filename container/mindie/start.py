"""Puts MindIE's configuration where the server accepts it, and runs the server until it is told to stop.

MindIE refuses a configuration that is a symbolic link or that others may read: its checks want a regular file
of mode 0640 at most (Ascend/MindIE-LLM@8b4871ad, RegularFilePath and IsFileValid). A ConfigMap's file is
readable for all, and in most mounts a link.

A container that is started again finds the shared memory of the server that died, which must go first: it is
656 MiB a device, nobody else removes it, and a server that finds too little left ends. All of it is ours
(Ascend/MindIE-LLM@8b4871ad src/utils/shared_memory.cpp, src/llm_manager/llm_manager_impl.cpp).
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from subprocess import Popen
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple, cast

from mindie.models import check_weights, models_environment
from mindie.server import Drain, Management, run_server
from pod.arguments import Parser, whole
from pod.exit_codes import BAD_SETTING, IMAGE_MISMATCH, Fault
from pod.main import run

_log = logging.getLogger(__name__)
_MODE = 0o640
_PATH_VARIABLE = "MIES_CONFIG_JSON_PATH"
_MANAGEMENT_VARIABLE = "MIES_CONTAINER_MANAGEMENT_IP"


class Options(NamedTuple):
    """The command line."""

    config: Path
    target: Path
    work_dir: Path
    shared_memory: Path
    drain_delay: int
    drain_timeout: int
    argv: List[str]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Copy the configuration and run the server; a mistake ends with its code."""
    return run("start_mindie", lambda: _start(_parse(arguments)))


def _parse(arguments: Optional[Sequence[str]]) -> Options:
    parser = Parser(prog="start_mindie.py", description=__doc__)
    parser.add_argument("--config", required=True, type=Path, help="the configuration as it was delivered")
    parser.add_argument("--target", required=True, type=Path, help="the file that the server reads")
    parser.add_argument(
        "--work-dir", required=True, type=Path, help="where the server starts and keeps kernels"
    )
    parser.add_argument("--shared-memory", type=Path, default=Path("/dev/shm"), metavar="DIR")  # noqa: S108 (the pod's own)
    parser.add_argument(
        "--drain-delay",
        type=whole(0, 86400),
        default=5,
        metavar="SECONDS",
        help="go on taking requests after SIGTERM (default 5)",
    )
    parser.add_argument(
        "--drain-timeout",
        type=whole(0, 86400),
        default=120,
        metavar="SECONDS",
        help="time for running requests after that (default 120)",
    )
    parser.add_argument("argv", nargs="+", metavar="-- ARGV", help="the server's command, after --")
    return Options(**vars(parser.parse_args(arguments)))


def _start(options: Options) -> int:
    text = _read(options.config)
    weights, management = _places(text, options.config)
    check_weights(weights)
    copy_config(text, options.target)
    _forget_shared_memory(options.shared_memory)
    _log.info("configuration of %s is at %s, mode %o", options.config, options.target, _MODE)
    return run_server(lambda: _daemon(options), management, Drain(options.drain_delay, options.drain_timeout))


def _daemon(options: Options) -> Popen[bytes]:
    environment = {**os.environ, **models_environment(os.environ), _PATH_VARIABLE: str(options.target)}
    try:
        # Releases that make no process group of their own signal ours, which would end us with them.
        return Popen(options.argv, cwd=str(options.work_dir), env=environment, preexec_fn=os.setpgrp)  # noqa: PLW1509
    except OSError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"cannot start '{options.argv[0]}' in {options.work_dir}: {os.strerror(error.errno or 0)};"
            " the image has another MindIE than expected, see 'serviceDirectory' of Runtime.mindIe",
        ) from None


def _forget_shared_memory(folder: Path) -> None:
    left = [path for path in folder.glob("*") if path.is_file()]
    for path in left:
        path.unlink()
    if left:
        _log.info("removed %d files that a server left in %s", len(left), folder)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(BAD_SETTING, f"cannot read the configuration {file}: {error}") from None


def _places(text: str, file: Path) -> Tuple[Path, Management]:
    """Return where the weights are, and where the server will be managed."""
    try:
        document = cast(Dict[str, Any], json.loads(text))
        weights = Path(document["BackendConfig"]["ModelDeployConfig"]["ModelConfig"][0]["modelWeightPath"])
        server = document["ServerConfig"]
        host = os.environ.get(_MANAGEMENT_VARIABLE) or str(server["managementIpAddress"])
        return weights, Management(host, int(server["managementPort"]))
    except (ValueError, LookupError, TypeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise Fault(BAD_SETTING, f"{file} is no configuration of MindIE: {cause}") from None


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
