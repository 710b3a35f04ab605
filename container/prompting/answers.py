"""Answers the conversations of a file with a model in this process."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

from artifacts.durable import replace_file
from artifacts.termination_signal import watch
from pod.arguments import Parser
from pod.exit_codes import DONE
from pod.main import run
from prompting.asking import Asking, rounds
from prompting.model_flags import add_model_flags, asked_model
from prompting.prompts_file import Conversation, read_prompts
from prompting.sampling_flags import add_sampling_flags, sampling_of
from serve.messages import Message
from serve.sampling import Sampling

NAME = "answer_prompts"
FILE = "answers.jsonl"

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    conversations = read_prompts(options.prompts)
    model = asked_model(options)
    sampling = sampling_of(options, model.family)
    lines: List[str] = []
    with Asking(model, watch()) as asking:
        asking.load()
        for index, conversation in enumerate(conversations):
            for answer in _answers(asking, conversation, sampling):
                lines.append(json.dumps({"conversation": index, **answer}, ensure_ascii=False))
    options.output.mkdir(parents=True, exist_ok=True)
    replace_file(options.output / FILE, "".join(f"{line}\n" for line in lines).encode())
    log.info(
        "%d answers to %d conversations are in %s", len(lines), len(conversations), options.output / FILE
    )
    return DONE


def _answers(asking: Asking, conversation: Conversation, sampling: Sampling) -> Iterator[Dict[str, object]]:
    """Ask the questions of one conversation, each with the history so far."""
    history: List[Message] = []
    for index, messages in enumerate(rounds(conversation)):
        history += messages
        question = messages[-1].content
        log.info("question: %s", question)
        answered = asking.answer(history, sampling)
        log.info("answer: %s", answered.text)
        history.append(Message("assistant", answered.text))
        yield {
            "round": index,
            "messages": [{"role": message.role, "content": message.content} for message in history[:-1]],
            "answer": answered.text,
            "finish_reason": answered.finish_reason,
            "prompt_tokens": answered.prompt_tokens,
            "completion_tokens": answered.completion_tokens,
            "seconds": round(answered.seconds, 3),
        }


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{NAME}.py", description="Answer the conversations of a file.")
    add_model_flags(parser)
    add_sampling_flags(parser)
    parser.add_argument("--prompts", required=True, type=Path, metavar="FILE.json")
    parser.add_argument("--output", required=True, type=Path, help=f"folder for {FILE}")
    return parser.parse_args(list(arguments))
