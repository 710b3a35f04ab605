"""Command lines whose mistakes end with the exit code for wrong usage."""

from __future__ import annotations

import argparse
from typing import Callable, NoReturn

from pod.exit_codes import USAGE, Fault


class Parser(argparse.ArgumentParser):
    """An `argparse` parser that raises `Fault` (USAGE), where argparse itself would end with 2.

    Parse inside the body given to `pod.main.run`, so that the mistake reaches the log and
    the termination message.
    """

    def error(self, message: str) -> NoReturn:
        """Raise the mistake `message` as a fault."""
        raise Fault(USAGE, f"{message}; {self.format_usage().strip()}")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a type for `add_argument`: whole numbers from `least` to `most`."""

    def convert(text: str) -> int:
        number = int(text) if text.isdigit() else -1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return number

    return convert
