"""The commands that the charts generate (commands.ts), taken apart."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

COMMANDS: dict[str, list[list[str]]] = json.loads(Path(os.environ["GENERATED_COMMANDS"]).read_text(encoding="utf-8"))
PROGRAM = "/run_mindformer.py"
ARTIFACT = re.compile(r"/artifacts/store/(.+?)-[0-9a-f]{10}")


@dataclass(frozen=True)
class Start:
    """One generated start of run_mindformer.py: how many devices, the words of train_rank.py and the program's."""

    variant: str
    devices: int
    rank: tuple[str, ...]
    arguments: tuple[str, ...]

    @property
    def mode(self) -> str:
        return value(self.arguments, "--run_mode")

    @property
    def file(self) -> str:
        """The configuration, as a path below `configs`."""
        return value(self.arguments, "--config").partition("/configs/")[2]

    @property
    def settings(self) -> tuple[str, ...]:
        return tuple(word for flag, word in zip(self.rank, self.rank[1:]) if flag == "--set")

    def __str__(self) -> str:
        return f"{self.variant} {self.mode}"


def value(words: tuple[str, ...], flag: str, otherwise: str = "") -> str:
    """Return the word after `flag`."""
    return words[words.index(flag) + 1] if flag in words else otherwise


def starts(variant: str) -> list[Start]:
    """Return the trainings and evaluations of `variant`."""
    return [
        _taken_apart(variant, words)
        for words in COMMANDS[variant]
        if any(word.endswith(PROGRAM) for word in words) and "--run_mode" in words
    ]


def start(variant: str, mode: str) -> Start:
    """Return the one start of `variant` in `mode`."""
    return next(each for each in starts(variant) if each.mode == mode)


def _taken_apart(variant: str, words: list[str]) -> Start:
    program = next(index for index, word in enumerate(words) if word.endswith(PROGRAM))
    before = tuple(words[:program])
    devices = int(_of(before, "/launch.py", "--devices")) * int(_of(before, "/launch.py", "--nodes"))
    return Start(variant, devices, _after(before, "/train_rank.py"), tuple(words[program + 1 :]))


def _after(words: tuple[str, ...], script: str) -> tuple[str, ...]:
    return words[next((n for n, word in enumerate(words) if word.endswith(script)), len(words)) :]


def _of(words: tuple[str, ...], script: str, flag: str) -> str:
    return value(_after(words, script), flag, "1")


def placed(words: tuple[str, ...], places: dict[str, Path]) -> list[str]:
    """Return `words` with the artifacts of the pod at `places`, by their names without lineage."""
    return [ARTIFACT.sub(lambda match: str(places[match.group(1)]), word) for word in words]
