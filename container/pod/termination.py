"""The container's termination message, which `kubectl describe pod` shows."""

from __future__ import annotations

import os
from pathlib import Path

LIMIT = 4096
"""Bytes the kubelet keeps of one message (kubernetes.io, "Determine the Reason for Pod Failure")."""

DEFAULT_PATH = "/dev/termination-log"


def report(cause: str) -> None:
    """Write `cause` for the kubelet, cut at a character to 4096 bytes of UTF-8.

    The file is named by TERMINATION_MESSAGE_PATH. One that cannot be written is ignored:
    the log has the cause too.
    """
    data = cause.encode("utf-8", "replace")[:LIMIT].decode("utf-8", "ignore")
    try:
        _path().write_text(data, encoding="utf-8")
    except OSError:
        return


def report_if_silent(cause: str) -> None:
    """Write `cause` unless a program that we started has said what happened: it knows better."""
    try:
        silent = _path().stat().st_size == 0
    except OSError:
        silent = True
    if silent:
        report(cause)


def _path() -> Path:
    return Path(os.environ.get("TERMINATION_MESSAGE_PATH", DEFAULT_PATH))
