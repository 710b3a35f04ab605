"""One plain line an event, for an operator who reads `kubectl logs`."""

from __future__ import annotations

import io
import logging
import sys


def setup(name: str, level: int = logging.INFO) -> logging.Logger:
    """Return the logger `name`; every line of the process is `<time> <level> <name>: <message>` on stdout.

    Messages are Chinese at times and vendor images often have the C locale, so stdout is set to UTF-8.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    handler = logging.StreamHandler(sys.stdout)
    escaped = name.replace("%", "%%")
    handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s {escaped}: %(message)s"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    return logging.getLogger(name)
