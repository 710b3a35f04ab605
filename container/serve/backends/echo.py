"""A backend without a model: it answers with the question."""

from __future__ import annotations

import re
import time
from typing import Callable, Generator, List, Mapping

from pod.exit_codes import BAD_SETTING, Fault
from serve.backend import Backend, Piece, Progress, Settings
from serve.prompt import Prompt, Special
from serve.sampling import Sampling

_TOKEN = re.compile(r"[\u3400-\u9fff]|\s*[^\s\u3400-\u9fff]+|\s+")
_DEFAULT_CONTEXT = 8192
_LONGEST_SLEEP = 0.05  # so that cancelling is seen soon at low rates


class EchoBackend(Backend):
    """Repeats the last turn token by token: for tests, benchmarks and trials without a device.

    Options: `tokens-per-second` (0, the default, means as fast as can be), `load-seconds` (0),
    `concurrency` (1). A token is a word with the space before it, or one Chinese character; each special
    token counts as one.
    """

    def __init__(self, settings: Settings) -> None:
        allowed = ("tokens-per-second", "load-seconds", "concurrency")
        unknown = sorted(set(settings.options) - set(allowed))
        if unknown:
            raise Fault(
                BAD_SETTING,
                f"the echo backend has no option '{unknown[0]}': it has {', '.join(allowed)}",
            )
        self._rate = _number(settings.options, "tokens-per-second", 0.0)
        self._load_seconds = _number(settings.options, "load-seconds", 0.0)
        self.concurrency = max(1, int(_number(settings.options, "concurrency", 1.0)))
        self.context_length = settings.context_length or _DEFAULT_CONTEXT
        self._stopped = False

    def load(self, progress: Progress) -> None:
        """Pretend to load for the set time."""
        began = time.monotonic()
        passed = 0.0
        while passed < self._load_seconds and not self._stopped:
            progress(passed / self._load_seconds, "pretending to load")
            time.sleep(min(_LONGEST_SLEEP, self._load_seconds - passed))
            passed = time.monotonic() - began

    def count_tokens(self, prompt: Prompt) -> int:
        """Return how many tokens the prompt has."""
        return sum(1 if isinstance(part, Special) else len(_tokens(part)) for part in prompt.parts)

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancelled: Callable[[], bool]
    ) -> Generator[Piece, None, None]:
        """Yield the question's tokens at the set rate."""
        began = time.monotonic()
        for index, token in enumerate(_tokens(prompt.question)):
            if self._rate and not _sleep_until(began + (index + 1) / self._rate, cancelled):
                return
            yield Piece(token)

    def stop(self) -> None:
        """End a pretended load."""
        self._stopped = True


def _tokens(text: str) -> List[str]:
    return _TOKEN.findall(text)


def _sleep_until(moment: float, cancelled: Callable[[], bool]) -> bool:
    left = moment - time.monotonic()
    while left > 0:
        if cancelled():
            return False
        time.sleep(min(left, _LONGEST_SLEEP))
        left = moment - time.monotonic()
    return True


def _number(options: Mapping[str, str], name: str, default: float) -> float:
    text = options.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise Fault(BAD_SETTING, f"the echo option {name} is '{text}': it must be a number from 0 on")
    return value
