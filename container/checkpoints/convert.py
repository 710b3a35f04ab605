"""A model's checkpoint from Hugging Face's format to MindSpore's, and back, or to safetensors."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Optional, Sequence

from checkpoints.from_huggingface import to_mindspore
from checkpoints.names import EMBEDDINGS, FAMILIES, default_embedding
from checkpoints.to_huggingface import to_huggingface
from checkpoints.to_safetensors import to_safetensors
from pod.arguments import Parser, whole
from pod.exit_codes import DONE, USAGE, Fault
from pod.main import run

NAME = "convert_checkpoint"
FORMATS = ("huggingface", "mindspore")
TARGETS = (*FORMATS, "safetensors")
DTYPES = ("float16", "bfloat16", "float32")

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line `arguments` (default: this process's) and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    if options.to == "safetensors":
        to_safetensors(options.source, options.output)
    elif options.to == "mindspore":
        embedding = options.embedding or default_embedding(options.family)
        to_mindspore(options.source, options.output / options.file, options.family, embedding, options.dtype)
    else:
        checkpoint = options.source / options.file
        to_huggingface(
            checkpoint, options.base, options.output, options.family, options.dtype, options.lora_alpha
        )
    return DONE


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=NAME, description="Convert a GLM checkpoint.")
    parser.add_argument("--from", dest="from_", required=True, choices=FORMATS)
    parser.add_argument("--to", required=True, choices=TARGETS)
    parser.add_argument("--family", required=True, choices=FAMILIES)
    parser.add_argument("--source", required=True, type=Path, metavar="DIR")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--file", default="", metavar="NAME.ckpt", help="the MindSpore checkpoint's name")
    parser.add_argument("--dtype", choices=DTYPES, help="default: as stored; on the way back as in --base")
    parser.add_argument("--embedding", choices=EMBEDDINGS, help="its name in MindFormers (default by family)")
    parser.add_argument(
        "--base", type=Path, metavar="DIR", help="the model's Hugging Face folder, on the way back"
    )
    parser.add_argument(
        "--lora-alpha", type=whole(1, 1_000_000), help="puts adapters into the weights, on the way back"
    )
    return _checked(parser.parse_args(list(arguments)))


def _checked(options: argparse.Namespace) -> argparse.Namespace:
    if options.to == "safetensors" and options.from_ == "huggingface":
        return options
    if options.to == "safetensors":
        raise Fault(USAGE, "--to safetensors needs --from huggingface")
    if options.from_ == options.to:
        raise Fault(USAGE, f"--from and --to are both {options.to}; nothing is to be converted")
    if not options.file.endswith(".ckpt") or "/" in options.file:
        raise Fault(
            USAGE, f"--file is '{options.file}'; MindSpore needs a plain file name that ends in .ckpt"
        )
    if options.to == "huggingface" and options.base is None:
        raise Fault(USAGE, "--to huggingface needs --base: configuration, code and tokenizer come from there")
    return options
