"""The command line of the check."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

from pod.arguments import Parser, whole
from pod.exit_codes import USAGE, Fault

NAME = "check_start"


@dataclass(frozen=True)
class Options:
    """The command line, checked. What is '' is not looked at."""

    vendor: str
    devices: int
    packages: Tuple[Tuple[str, str], ...]
    cann: str
    driver_at_least: str
    run_check: str
    ascend_root: Path
    argv: List[str]

    @property
    def dev(self) -> Path:
        """Where the device files are."""
        return Path(os.environ.get("DEV_ROOT", "/dev"))


def parse(arguments: Sequence[str]) -> Options:
    """Read the command line; raises `Fault` (USAGE)."""
    parser = Parser(prog=NAME, description="Check image and devices, then run a command.", allow_abbrev=False)
    vendors = ("ascend", "cambricon", "sophon", "none")
    parser.add_argument("--vendor", choices=vendors, required=True)
    parser.add_argument("--devices", type=whole(0, 1024), default=0, help="at least so many (default 0)")
    parser.add_argument("--package", type=_package, action="append", default=[], metavar="NAME==VERSION")
    parser.add_argument("--cann", default="", metavar="VERSION")
    parser.add_argument("--driver-at-least", default="", metavar="VERSION")
    parser.add_argument("--run-check", choices=("mindspore",), default="", help="compute something")
    parser.add_argument("--ascend-root", type=Path, default=Path("/usr/local/Ascend"))
    flags, argv = _split(list(arguments))
    given = parser.parse_args(flags)
    return Options(
        given.vendor,
        given.devices,
        tuple(given.package),
        given.cann,
        given.driver_at_least,
        given.run_check,
        given.ascend_root,
        argv,
    )


def _split(arguments: List[str]) -> Tuple[List[str], List[str]]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    argv = arguments[place + 1 :]
    if not argv and not {"-h", "--help"} & set(arguments):
        raise Fault(USAGE, "no command is given; put it after '--', as in: -- python3 train.py")
    return arguments[:place], argv


def _package(text: str) -> Tuple[str, str]:
    name, equals, version = text.partition("==")
    if not name or not version or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME==VERSION, as in mindspore==2.2.11")
    return name, version
