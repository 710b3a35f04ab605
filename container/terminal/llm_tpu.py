"""LLM-TPU's program for a terminal, on the TPUs of the pod."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, Fault
from pod.main import run
from terminal.idle import run_until_idle
from tpu.devices import visible_devices

_ABORTED = 128 + signal.SIGABRT

log = logging.getLogger("chat_program")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run("chat_program", lambda: _main(sys.argv[1:] if arguments is None else list(arguments)))


def _main(arguments: List[str]) -> int:
    parser = Parser(prog="chat_program", description="Talk to a bmodel on a terminal.")
    parser.add_argument("--program", required=True, type=Path, metavar="FILE", help="LLM-TPU's chatglm")
    parser.add_argument("--model-path", required=True, type=Path, metavar="DIR")
    parser.add_argument("--devices", required=True, type=int)
    parser.add_argument("--device-folder", type=Path, default=Path("/dev"), metavar="DIR")
    parser.add_argument("--idle-minutes", type=float, default=30.0)
    options = parser.parse_args(arguments)
    numbers = visible_devices(options.device_folder)
    if len(numbers) != options.devices:
        shown = ", ".join(map(str, numbers)) or "none"
        raise Fault(
            BAD_SETTING,
            f"--devices is {options.devices}, but the TPUs in {options.device_folder} are {shown}; does the"
            " pod ask for as many as the bmodel was compiled for?",
        )
    # Flags of LLM-TPU@edb7f13e models/ChatGLM3/demo/demo.cpp, which ends at the question "exit".
    words = ["--model", _bmodel(options.model_path), "--tokenizer", options.model_path / "tokenizer.model"]
    argv = [options.program, *words, "--devid", ",".join(map(str, numbers))]
    code = run_until_idle([str(word) for word in argv], options.idle_minutes * 60, "exit")
    if code == _ABORTED:
        log.error(
            "an assertion of the program failed: is the bmodel for %d devices, and of the sources that the"
            " program was built from (LLM-TPU@909f9dab)?",
            options.devices,
        )
    return code


def _bmodel(folder: Path) -> Path:
    found = sorted(folder.glob("*.bmodel"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise Fault(BAD_ARTIFACT, f"{folder} must hold one bmodel; it holds {names}")
    return found[0]
