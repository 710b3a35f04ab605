"""Flags that several steps have."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

from atb.precision import PRECISIONS
from pod.arguments import Parser, whole
from pod.exit_codes import NOT_FOUND, Fault


def parser(name: str, description: str) -> Parser:
    """Return a parser with the flags of every step."""
    made = Parser(prog=f"{name}.py", description=description, allow_abbrev=False)
    made.add_argument("--tree", type=Path, required=True, metavar="DIR", help="source tree of ModelLink")
    made.add_argument("--output", type=Path, required=True, metavar="DIR")
    return made


def add_shape(made: Parser, precisions: Sequence[str] = PRECISIONS) -> None:
    """Add what says which form the weights have."""
    made.add_argument(
        "--tp-size", type=whole(1, 8), required=True, metavar="N", help="devices that share them"
    )
    made.add_argument("--precision", choices=precisions, required=True)


def add_run(made: Parser) -> None:
    """Add what a step that runs the model needs."""
    made.add_argument(
        "--model-path", type=Path, required=True, metavar="DIR", help="shards; float on 1 device: the weights"
    )
    made.add_argument("--compressed", type=Path, metavar="DIR", help="compressed weights, for sparse")
    made.add_argument("--batch", type=whole(1, 1024), required=True, metavar="N")
    made.add_argument("--device", type=whole(0, 63), default=0, metavar="N", help="first device (default 0)")
    made.add_argument(
        "--work-dir", type=Path, metavar="DIR", help="scratch space (default: a temporary folder)"
    )
    made.add_argument("--grace", type=float, metavar="SECONDS", help="from SIGTERM to SIGKILL")


def folder(flag: str, path: Path) -> Path:
    """Return `path`; raise a `Fault` if it is not a folder."""
    if not path.is_dir():
        raise Fault(NOT_FOUND, f"{flag} {path} is not a folder; is the store mounted?")
    return path.resolve()
