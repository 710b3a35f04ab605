"""Messages between the ranks of one pod: lines of JSON over a Unix socket.

The devices' own collectives (HCCL) could carry them, but a rank that waits in one for the next request runs
into their timeout after half an hour without requests, and one whose peer died waits for ever. A socket
waits as long as it takes, shows a death at once, takes no device memory, and is the same without a device.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from typing import Any, Dict, Iterator, Mapping, NamedTuple

from pod.exit_codes import BAD_SETTING, Fault

Message = Dict[str, Any]
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Place(NamedTuple):
    """Which of the ranks this process is, and the name they meet under."""

    rank: int
    size: int
    name: str

    @staticmethod
    def of(env: Mapping[str, str]) -> Place:
        """Return what the launcher told this process; without a launcher it is the only rank."""
        rank, size = _number(env, "RANK", 0), _number(env, "WORLD_SIZE", 1)
        if not 0 <= rank < size:
            raise Fault(BAD_SETTING, f"RANK is {rank} and WORLD_SIZE {size}: start the ranks by launch.py")
        # A name without a file, in the pod's network: it ends with its process, and the port makes it unique
        # where pods share the network of a node.
        return Place(rank, size, f"\0cdk8s-chatglm-ranks-{env.get('MASTER_PORT', '0')}")


class Link:
    """One connection. Lines that are sent after the other side is gone are dropped: reading tells of that."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("r", encoding="utf-8", newline="\n")

    def send(self, message: Message) -> None:
        """Send one message."""
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def messages(self) -> Iterator[Message]:
        """Yield what comes until the other side is gone."""
        try:
            for line in self._file:
                if line.endswith("\n"):
                    yield json.loads(line)
        except OSError:
            return


def own_user(connection: socket.socket) -> bool:
    """Say whether the other side runs as our user: on a shared network others can reach the name."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return bool(_CREDENTIALS.unpack(raw)[1] == os.getuid())


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit():
        raise Fault(
            BAD_SETTING, f"{name} is '{text}': it must be a whole number; start the ranks by launch.py"
        )
    return int(text)
