"""Command lines whose mistakes end with the exit code for wrong usage."""

from __future__ import annotations

import argparse
from typing import NoReturn

from pod.exit_codes import USAGE, Fault


class Parser(argparse.ArgumentParser):
    """An `argparse` parser that raises `Fault` (USAGE), where argparse itself would end with 2.

    Parse inside the body given to `pod.main.run`, so that the mistake reaches the log and
    the termination message.
    """

    def error(self, message: str) -> NoReturn:
        """Raise the mistake `message` as a fault."""
        raise Fault(USAGE, f"{message}; {self.format_usage().strip()}")
