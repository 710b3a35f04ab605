"""A conversation with a model in this process, over the terminal that `kubectl attach -it` gives."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from types import FrameType
from typing import List, Optional, Sequence

from pod.arguments import Parser
from pod.exit_codes import BAD_SETTING, DONE, TERMINATED, Fault
from pod.main import run
from prompting.asking import Asking
from prompting.model_flags import add_model_flags, asked_model
from prompting.sampling_flags import add_sampling_flags, sampling_of
from prompting.terminal import ClosedError, Terminal
from serve.messages import Message
from serve.sampling import Sampling

NAME = "chat"
_LEAST_ROOM = 256  # tokens that an answer should find in the context

log = logging.getLogger(NAME)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line and return the exit code: 0 after /quit, the idle time, or a signal."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    model = asked_model(options)
    sampling = sampling_of(options, model.family)
    session = Session(model.name, sampling, 60 * options.idle_minutes)
    with Asking(model, session.interrupted) as asking:
        asking.load()
        return session.run(asking)


class Session:
    """Reads questions until the end. SIGINT (Ctrl-C) ends the answer under way, SIGTERM everything."""

    def __init__(self, model_name: str, sampling: Sampling, idle_seconds: float) -> None:
        self.interrupted = threading.Event()
        self._terminated = False
        self._model_name = model_name
        self._sampling = sampling
        self._idle_seconds = idle_seconds
        self._terminal = Terminal(lambda: self._terminated)
        self._history: List[Message] = []

    def run(self, asking: Asking) -> int:
        """Talk; the exit code."""
        signal.signal(signal.SIGTERM, self._terminate)
        signal.signal(signal.SIGINT, lambda *_: self.interrupted.set())
        self._terminal.show(
            f"This is {self._model_name}. /clear forgets the conversation, /quit ends; "
            f"so do {self._idle_seconds / 60:g} minutes without a question.\n"
        )
        while self._round(asking):
            pass
        return DONE

    def _round(self, asking: Asking) -> bool:
        """Take one line; whether the session goes on."""
        self._terminal.show("\n> ")
        try:
            line = self._terminal.line(self._idle_seconds)
        except ClosedError:
            log.info("the input is closed: done")
            return False
        if line is None:
            why = "told to stop" if self._terminated else f"idle for {self._idle_seconds / 60:g} minutes"
            log.info("%s: done", why)
            return False
        if line == "/clear":
            self._history = []
            self._terminal.show("(forgotten)\n")
        elif line and line != "/quit":
            self._answer(asking, line)
        return line != "/quit" and not self._terminated

    def _answer(self, asking: Asking, question: str) -> None:
        self.interrupted.clear()
        messages = self._fitting(asking, Message("user", question))
        try:
            answered = asking.answer(messages, self._sampling, self._terminal.show)
        except Fault as fault:
            if fault.code not in (BAD_SETTING, TERMINATED):
                raise
            self._terminal.show("\n(stopped)\n" if fault.code == TERMINATED else f"({fault})\n")
            return
        self._terminal.show("\n")
        self._history = [*messages, Message("assistant", answered.text)]

    def _fitting(self, asking: Asking, question: Message) -> List[Message]:
        """Return the history and the question; the oldest rounds are left out when the context is full."""
        least = min(_LEAST_ROOM, asking.model.backend.context_length // 4)
        while self._history and asking.room([*self._history, question]) < least:
            self._history = self._history[2:]
            self._terminal.show("(the oldest question and answer no longer fit, and are forgotten)\n")
        return [*self._history, question]

    def _terminate(self, _number: int, _frame: Optional[FrameType]) -> None:
        self._terminated = True
        self.interrupted.set()


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{NAME}.py", description="Talk to a model.")
    add_model_flags(parser)
    add_sampling_flags(parser)
    parser.add_argument(
        "--idle-minutes", type=_minutes, default=30.0, help="without a question, then it ends"
    )
    return parser.parse_args(list(arguments))


def _minutes(text: str) -> float:
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return minutes
