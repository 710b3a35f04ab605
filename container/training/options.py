"""The command line of one rank."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

from pod.arguments import Parser
from pod.exit_codes import USAGE, Fault

NAME = "train_rank"

NONE = "none"
RESUME_TRAINING = "resume-training"
LOAD_CHECKPOINT = "load-checkpoint"


@dataclass(frozen=True)
class Options:
    """The command line, checked: `settings` are dotted keys with their values as YAML text, in order."""

    output: Path
    config: Path
    settings: Tuple[Tuple[str, str], ...]
    resume: str
    save_on_term: bool
    script: str
    arguments: Tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """The number of a rank, and how many there are.

    MindSpore's `scheduler` runs the same program; it trains nothing and has no checkpoints.
    """

    rank: int
    ranks: int
    scheduler: bool = False

    @property
    def name(self) -> str:
        """What logs and folders call it."""
        return "scheduler" if self.scheduler else f"rank_{self.rank}"


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; raises `Fault` (USAGE)."""
    flags, argv = _split(list(arguments))
    parser = Parser(prog=NAME, description="Run one rank of a training.", allow_abbrev=False)
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="of the training")
    parser.add_argument("--config", required=True, type=Path, metavar="FILE.yaml", help="to start from")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="changes a key")
    choices = (NONE, RESUME_TRAINING, LOAD_CHECKPOINT)
    parser.add_argument("--resume", choices=choices, default=NONE, help="what to do with checkpoints")
    parser.add_argument("--save-on-term", action="store_true", help="save and stop after SIGTERM")
    given = parser.parse_args(flags)
    return Options(
        given.output,
        given.config,
        tuple(map(_setting, given.set)),
        given.resume,
        given.save_on_term,
        argv[0],
        tuple(argv[1:]),
    )


def place_of(env: Mapping[str, str]) -> Place:
    """Return this rank's place: RANK_ID and RANK_SIZE, or MindSpore's MS_NODE_ID and MS_WORKER_NUM, or alone.

    Raises `Fault` (USAGE) for what is no number of that many.
    """
    rank = env.get("RANK_ID") or env.get("MS_NODE_ID") or "0"
    ranks = env.get("RANK_SIZE") or env.get("MS_WORKER_NUM") or "1"
    if not rank.isdigit() or not ranks.isdigit() or int(rank) >= int(ranks):
        raise Fault(
            USAGE,
            f"rank {rank} of {ranks} is none (RANK_ID or MS_NODE_ID, RANK_SIZE or MS_WORKER_NUM);"
            " the launcher sets them",
        )
    return Place(int(rank), int(ranks), env.get("MS_ROLE") == "MS_SCHED")


def _split(arguments: List[str]) -> Tuple[List[str], List[str]]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    argv = arguments[place + 1 :]
    if not argv and not {"-h", "--help"} & set(arguments):
        raise Fault(
            USAGE, "no script is given; put it after '--', as in: -- run_mindformer.py --config x.yaml"
        )
    return arguments[:place], argv


def _setting(text: str) -> Tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise Fault(USAGE, f"--set is {text!r}, but must be PATH=VALUE, as in runner_config.epochs=3")
    return path, value
