"""ChatGLM3's graph as ONNX files, by LLM-TPU's export_onnx.py."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import List, Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, DONE, Fault
from pod.main import run
from pod.tool import run_tool
from pod.work_folder import move_into, work_folder
from tpu.tree import CHOOSING_HEADS, chooses_apart, script_text

NAME = "export_onnx"
HEADS = ("embedding", "lm_head")

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else list(arguments)))


def _main(arguments: List[str]) -> int:
    parser = Parser(prog=NAME, description="Export a patched ChatGLM3 to ONNX, one file a layer.")
    parser.add_argument("--script", required=True, type=Path, metavar="FILE", help="LLM-TPU's export_onnx.py")
    parser.add_argument("--weights", required=True, type=Path, metavar="DIR")
    parser.add_argument("--seq-length", required=True, type=int, metavar="TOKENS")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    layers = _checked_layers(options.weights, options.seq_length)
    text = script_text(options.script)
    with work_folder(options.output) as folder:
        # The script writes ./tmp/onnx (LLM-TPU@edb7f13e models/ChatGLM3/compile/export_onnx.py).
        words = ["--model_path", str(options.weights), *_known(text, options.seq_length)]
        run_tool([sys.executable, str(options.script), *words], folder)
        move_into(options.output, iter(sorted((folder / "tmp" / "onnx").glob("*"))))
    expected = onnx_names(layers, chooses_apart(text))
    missing = [name for name in expected if not (options.output / name).is_file()]
    if missing:
        raise Fault(
            BAD_ARTIFACT,
            f"the export left {len(expected) - len(missing)} of {len(expected)} ONNX files; the first that is"
            f" missing is {missing[0]}",
        )
    log.info("%d ONNX files of %d layers with %d tokens", len(expected), layers, options.seq_length)
    return DONE


def onnx_names(layers: int, choosing: bool) -> List[str]:
    """Return the files of a model: two a layer, two heads, and two more where those are `choosing`."""
    blocks = [f"block{kind}_{layer}.onnx" for kind in ("", "_cache") for layer in range(layers)]
    heads = [*HEADS, *(CHOOSING_HEADS if choosing else ())]
    return [*blocks, *(f"{head}.onnx" for head in heads)]


def _known(text: str, seq_length: int) -> List[str]:
    """Return those flags that the script has: at 909f9dab the length is the configuration's alone."""
    flags = (("--seq_length", str(seq_length)), ("--device", "cpu"))
    return [word for flag, value in flags if flag in text for word in (flag, value)]


def _checked_layers(weights: Path, seq_length: int) -> int:
    """Return the layers of the model, whose own `seq_length` is what it is exported for.

    Where it is not ours, the script of edb7f13e asserts so after minutes, and older ones do not.
    """
    try:
        config = json.loads((weights / "config.json").read_text(encoding="utf-8"))
        layers, length = int(config["num_layers"]), int(config["seq_length"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Fault(
            BAD_ARTIFACT, f"{weights}/config.json is no config.json of ChatGLM3: {error!r}"
        ) from error
    if length != seq_length:
        raise Fault(
            BAD_SETTING,
            f"--seq-length is {seq_length}, but {weights}/config.json says {length}; patch its 'seq_length'",
        )
    return layers
