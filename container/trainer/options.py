"""The command line of train_glm.py.

The names are MindFormers' own, so that what continues a training fits both programs.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import USAGE, Fault

NAME = "train_glm"
RUN_MODES = ("train", "finetune", "eval")


@dataclass(frozen=True)
class Options:
    """The command line, checked. Paths are those of this pod."""

    source_tree: Path
    config: Path
    task: str
    model_type: str
    run_mode: str
    use_parallel: bool
    load_checkpoint: str
    resume_training: bool
    train_dataset_dir: Optional[str]
    eval_dataset_dir: Optional[str]
    only_strategy: bool


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; raises `Fault` (USAGE)."""
    parser = Parser(prog=NAME, description="Train or measure by MindFormers' Trainer.", allow_abbrev=False)
    parser.add_argument("--source-tree", required=True, type=Path, metavar="DIR", help="of MindFormers")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE.yaml")
    parser.add_argument("--task", default="text_generation", help="default: text_generation")
    parser.add_argument("--model_type", required=True, help="as in glm_6b, glm_6b_lora, glm_6b_chat")
    parser.add_argument("--run_mode", choices=RUN_MODES, required=True)
    parser.add_argument("--use_parallel", type=boolean, default=False, metavar="True|False")
    parser.add_argument("--load_checkpoint", default="", metavar="PATH", help="file, or folder of all ranks")
    parser.add_argument("--resume_training", type=boolean, default=False, metavar="True|False")
    parser.add_argument("--train_dataset_dir", metavar="FILE")
    parser.add_argument("--eval_dataset_dir", metavar="FILE")
    parser.add_argument(
        "--only_strategy", type=boolean, default=False, help="freeze nothing, stop after compiling"
    )
    options = Options(**vars(parser.parse_args(list(arguments))))
    mistake = _mistake(options)
    if mistake:
        raise Fault(USAGE, mistake)
    return options


def _mistake(options: Options) -> str:
    if options.run_mode == "eval":
        if not options.eval_dataset_dir:
            return "--run_mode eval needs --eval_dataset_dir"
        if options.use_parallel:
            return "--run_mode eval generates text on one device: leave --use_parallel False"
    elif not options.train_dataset_dir:
        return f"--run_mode {options.run_mode} needs --train_dataset_dir"
    if options.run_mode != "train" and not options.load_checkpoint:
        return f"--run_mode {options.run_mode} needs --load_checkpoint"
    if options.only_strategy and options.run_mode != "finetune":
        return f"--only_strategy goes with --run_mode finetune, not {options.run_mode}"
    return ""


def boolean(text: str) -> bool:
    """Read a real boolean: `bool("False")` is true, which is how the guide's script takes it."""
    words = {"true": True, "false": False}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"{text!r} must be True or False")
    return words[text.lower()]
