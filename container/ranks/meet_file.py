"""The file by which the pods of a job find pod 0: its address and the job's token, on a volume they share.

It stands in for a Service and a Secret. Pod 0 writes it; a pod 0 that is started again, often at another
address, keeps the token and renews the address.
"""

from __future__ import annotations

import contextlib
import json
import logging
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional

from artifacts.durable import replace_file
from ranks.meeting_line import Ask, line

VERSION = 1
MODE = 0o600


@dataclass(frozen=True)
class MeetingPoint:
    """Where pod 0 is and what it wants to hear; the token is '' where the pods have it by a Secret.

    The port is 0 where pod 0 has the one that all pods were told.
    """

    host: str
    token: str
    port: int = 0


def read(path: Path) -> Optional[MeetingPoint]:
    """Return the meeting point that `path` names, None if it is not there or makes no sense."""
    try:
        data = json.loads(path.read_text("utf-8"))
        point = MeetingPoint(str(data["host"]), str(data["token"]), int(data.get("port", 0)))
        return point if data["version"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def kept_token(path: Path) -> str:
    """Return the token of `path`, which pods may have read before, or a random one."""
    known = read(path)
    return (known and known.token) or uuid.uuid4().hex


def announce(path: Path, point: MeetingPoint) -> None:
    """Write `point` into `path`, for the owner's eyes only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document: Dict[str, Any] = {"version": VERSION, "host": point.host, "token": point.token}
    if point.port:
        document["port"] = point.port
    replace_file(path, json.dumps(document).encode() + b"\n", MODE)
    logging.getLogger("launch").info("pod 0 is at %s; the other pods read that in %s", point.host, path)


def forget(path: Path) -> None:
    """Remove the file, once nobody needs to find pod 0 any more."""
    with contextlib.suppress(OSError):
        path.unlink()


def line_by_file(path: Path, host: str, port: int, secret: str, seconds: float) -> Ask:
    """Return the line to the pod 0 that `path` names; the file is read again after every failed contact.

    `host` and `secret` count before the file's, where they are given; the file's port counts before `port`.
    """
    known: Optional[Ask] = None

    def ask(place: str, body: Dict[str, Any]) -> Dict[str, Any]:
        nonlocal known
        if known is None:
            point = read(path)
            if point is None:
                raise OSError(f"pod 0 has not written {path}")
            known = line(host or point.host, point.port or port, secret or point.token, seconds)
        try:
            return known(place, body)
        except OSError as error:
            known = None
            # Another job's pod 0 may have the address that ours had: that is no refusal, ours is on its way.
            raise OSError(str(error)) from error

    return ask
