"""Measures how fast a model in this process answers."""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from artifacts.termination_signal import watch
from pod.arguments import Parser, whole
from pod.exit_codes import BAD_ARTIFACT, DONE, Fault
from pod.main import run
from prompting.asking import Answered, Asking
from prompting.model_flags import add_model_flags, asked_model
from prompting.prompts_file import Conversation, read_prompts
from prompting.sampling_flags import add_sampling_flags, sampling_of
from results.result import Result, metric_lines, table
from serve.messages import Message

NAME = "benchmark_model"
QUESTIONS = (
    "你好",
    "请用三句话介绍一下北京",
    "如何学习一门新的编程语言？请列出五个步骤",
    "Explain why the sky is blue.",
)
COLUMNS = (
    "question",
    "prompt_tokens",
    "tokens",
    "characters",
    "first_token_ms",
    "seconds",
    "tokens_per_second",
)

log = logging.getLogger(NAME)
Row = Dict[str, object]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    conversations: List[Conversation] = [(Message("user", question),) for question in QUESTIONS]
    conversations += read_prompts(options.prompts) if options.prompts else []
    model = asked_model(options)
    sampling = sampling_of(options, model.family)
    with Asking(model, watch()) as asking:
        load_seconds = asking.load()
        for _ in range(options.warm_up):
            asking.answer(conversations[0], sampling)
        answered = [
            (index, asking.answer(conversation, sampling))
            for _ in range(options.repeat)
            for index, conversation in enumerate(conversations)
        ]
    answers, rows = [answer for _, answer in answered], [_row(*each) for each in answered]
    metrics = {**metrics_of(answers), "load_seconds": round(load_seconds, 3)}
    settings = {
        "backend": model.backend_name,
        **model_settings(options),
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "warm_up": options.warm_up,
        "repeat": options.repeat,
    }
    Result("benchmark", model.name, metrics, settings, rows).write(options.output)
    for line in [*table(COLUMNS, rows), f"model '{model.name}':", *metric_lines(metrics)]:
        log.info("%s", line)
    return DONE


def model_settings(options: argparse.Namespace) -> Dict[str, object]:
    """Return what of the model's flags bears on its speed."""
    return {"family": options.model_family, "backend_options": sorted(options.backend_option)}


def metrics_of(answers: Sequence[Answered]) -> Dict[str, float]:
    """Return rates over all answers, the time until the first token included, and the median of that time."""
    seconds = sum(answered.seconds for answered in answers)
    tokens = sum(answered.completion_tokens for answered in answers)
    if tokens == 0 or seconds <= 0:
        raise Fault(BAD_ARTIFACT, "the model answered nothing, so there is nothing to measure")
    return {
        "tokens_per_second": round(tokens / seconds, 3),
        "characters_per_second": round(sum(len(answered.text) for answered in answers) / seconds, 3),
        "time_to_first_token_ms": round(1000 * statistics.median(each.first_token for each in answers), 3),
    }


def _row(index: int, answered: Answered) -> Row:
    return {
        "question": index,
        "prompt_tokens": answered.prompt_tokens,
        "tokens": answered.completion_tokens,
        "characters": len(answered.text),
        "first_token_ms": round(1000 * answered.first_token, 3),
        "seconds": round(answered.seconds, 4),
        "tokens_per_second": round(answered.completion_tokens / max(answered.seconds, 1e-9), 3),
    }


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{NAME}.py", description="Measure how fast a model answers.")
    add_model_flags(parser)
    add_sampling_flags(parser)
    parser.add_argument("--prompts", type=Path, metavar="FILE.json", help="questions beside the fixed ones")
    parser.add_argument("--warm-up", type=whole(0, 1000), default=1, help="answers that do not count")
    parser.add_argument("--repeat", type=whole(1, 10000), default=1, help="how often all are asked")
    parser.add_argument("--output", required=True, type=Path, help="folder for result.json")
    return parser.parse_args(list(arguments))
