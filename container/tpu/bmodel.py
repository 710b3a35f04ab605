"""ONNX files compiled to one bmodel, by LLM-TPU's compile.sh and TPU-MLIR."""

from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, DONE, IMAGE_MISMATCH, NOT_FOUND, Fault
from pod.main import run
from pod.tool import run_tool
from pod.work_folder import work_folder

NAME = "compile_bmodel"
TOOLS = ("model_transform.py", "model_deploy.py", "model_tool")
TOKENIZER_FILES = ("tokenizer.model", "tokenizer_config.json", "tokenization_chatglm.py")

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else list(arguments)))


def _main(arguments: List[str]) -> int:
    parser = Parser(prog=NAME, description="Compile exported ONNX files for BM1684X.")
    parser.add_argument("--script", required=True, type=Path, metavar="FILE", help="LLM-TPU's compile.sh")
    parser.add_argument("--onnx", required=True, type=Path, metavar="DIR")
    parser.add_argument("--tokenizer", required=True, type=Path, metavar="DIR", help="holds tokenizer.model")
    parser.add_argument("--name", required=True, help="the model's name, as the script knows it")
    parser.add_argument("--mode", required=True, choices=("f16", "int8", "int4"))
    parser.add_argument("--devices", required=True, type=int, choices=(1, 2, 4, 8))
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    _check_tools()
    _check_tokenizer(options.tokenizer)
    with work_folder(options.output) as folder:
        _link_onnx(options.onnx, folder)
        words = ["--mode", options.mode, "--num_device", str(options.devices), "--name", options.name]
        run_tool(["bash", str(options.script), *words], folder)
        bmodel = _written(folder, bmodel_name(options.name, options.mode, options.devices))
        bmodel.replace(options.output / bmodel.name)
    for name in TOKENIZER_FILES:
        if (options.tokenizer / name).is_file():
            shutil.copyfile(str(options.tokenizer / name), str(options.output / name))
    log.info("%s for %d devices", bmodel.name, options.devices)
    return DONE


def bmodel_name(name: str, mode: str, devices: int) -> str:
    """Return the file that the script writes (LLM-TPU@edb7f13e models/ChatGLM3/compile/compile.sh)."""
    return f"{name}_{mode}_{devices}dev.bmodel"


def _check_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Fault(
            IMAGE_MISMATCH,
            f"{', '.join(missing)} of TPU-MLIR are not on PATH; use an image with a TPU-MLIR release"
            " (container/images/tpu-mlir/Dockerfile)",
        )


def _check_tokenizer(folder: Path) -> None:
    if not (folder / "tokenizer.model").is_file():
        raise Fault(NOT_FOUND, f"there is no tokenizer.model in {folder}; give the folder of the weights")


def _link_onnx(onnx: Path, folder: Path) -> None:
    """Let the script find ./tmp/onnx without a second copy of tens of gigabytes."""
    (folder / "tmp").mkdir()
    (folder / "tmp" / "onnx").mkdir()
    for file in onnx.iterdir():
        if not file.name.startswith("."):
            (folder / "tmp" / "onnx" / file.name).symlink_to(file)


def _written(folder: Path, name: str) -> Path:
    bmodel = folder / name
    if not bmodel.is_file():
        found = ", ".join(sorted(path.name for path in folder.glob("*.bmodel"))) or "none"
        raise Fault(BAD_ARTIFACT, f"compile.sh succeeded but left no {name}; bmodels there: {found}")
    return bmodel
