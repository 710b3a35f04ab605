"""Where a rank table comes from: the operator that watches the job, a file, or the pods themselves."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Tuple

from pod.exit_codes import BAD_RANK_TABLE, TERMINATED, WAITING, Fault
from ranks.rank_table import COMPLETED, RankTable, Server, parse, status

POLL = 0.5
SAY_EVERY = 30.0


@dataclass(frozen=True)
class Identity:
    """How tables may name this pod; '' where unknown.

    Operators since v7.3.0 write the pod's UID as `server_id` (mind-cluster
    component/ascend-device-plugin/pkg/device/ascendcommon.go), older ones the host's address; so do the
    newest where no two pods of the job share a node (component/ascend-operator ranktable/common/common.go).
    """

    pod_uid: str
    pod_ip: str
    host_ips: Tuple[str, ...]

    @classmethod
    def of(cls, env: Mapping[str, str], server_ip: str) -> Identity:
        """Read POD_UID, POD_IP, XDL_IP (the samples' name of the host's address) and HOST_IP of `env`."""
        addresses = [server_ip, env.get("XDL_IP", ""), env.get("HOST_IP", "")]
        return cls(env.get("POD_UID", ""), env.get("POD_IP", ""), tuple(filter(None, addresses)))

    def __str__(self) -> str:
        hosts = ", ".join(self.host_ips) or "unknown"
        return f"POD_UID {self.pod_uid or 'unknown'}, POD_IP {self.pod_ip or 'unknown'}, host {hosts}"


@dataclass(frozen=True)
class FoundTable:
    """A table, this pod's place in its servers, and its text with everything that we do not read."""

    table: RankTable
    place: int
    text: str
    origin: str


def find_server(table: RankTable, identity: Identity, node_index: int) -> Optional[int]:
    """Return the place of this pod in the table's servers, or None if it is not there.

    A server with the host's address but another pod's `container_ip` is an earlier pod's entry. Version 2.0
    names no server: there the pods stand in the order of `node_index`.
    """
    if table.version == "2.0":
        return node_index if node_index < len(table.servers) else None
    rules: List[Callable[[Server], bool]] = [
        lambda server: bool(identity.pod_uid) and server.server_id == identity.pod_uid,
        lambda server: bool(identity.pod_ip) and server.container_ip == identity.pod_ip,
        lambda server: _on_host(server, identity),
    ]
    for rule in rules:
        places = [place for place, server in enumerate(table.servers) if rule(server)]
        if len(places) == 1:
            return places[0]
    return None


def _on_host(server: Server, identity: Identity) -> bool:
    if server.container_ip and identity.pod_ip and server.container_ip != identity.pod_ip:
        return False
    return bool({server.server_id, server.host_ip, server.container_ip} & set(identity.host_ips))


def read_file(path: Path, devices: int, identity: Identity, node_index: int) -> FoundTable:
    """Return the table of the file `path`; in a table of one server this pod is that one."""
    try:
        text = path.read_text("utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise Fault(BAD_RANK_TABLE, f"rank table {path} cannot be read: {error}") from error
    table = parse(document, devices, str(path))
    place = 0 if len(table.servers) == 1 else find_server(table, identity, node_index)
    if place is None:
        raise Fault(BAD_RANK_TABLE, f"rank table {path} does not have this pod ({identity}); {_has(table)}")
    return FoundTable(table, place, text, str(path))


@dataclass
class OperatorTable:
    """The table that the operator writes into a mounted ConfigMap: first `initializing`, then `completed`.

    A completed table without this pod is that of the job's earlier pods and is waited over, too.
    """

    path: Path
    devices: int
    identity: Identity
    node_index: int

    def wait(self, seconds: float, say: Callable[[str], None], stopped: Callable[[], bool]) -> FoundTable:
        """Return the table; raises `Fault` WAITING after `seconds`, TERMINATED once `stopped`."""
        begin = said = time.monotonic()
        say(f"waiting up to {seconds:g} s for the rank table {self.path}")
        while True:
            found, cause = self.look()
            if found:
                return found
            now = time.monotonic()
            if stopped():
                raise Fault(TERMINATED, f"told to stop while waiting for the rank table {self.path}: {cause}")
            if now - begin >= seconds:
                raise Fault(
                    WAITING,
                    f"rank table {self.path} was not there within {seconds:g} s: {cause}; see that the"
                    " operator runs and watches this job (label ring-controller.atlas)",
                )
            if now - said >= SAY_EVERY:
                said = now
                say(f"still waiting for the rank table {self.path} ({now - begin:.0f} s): {cause}")
            time.sleep(POLL)

    def look(self) -> Tuple[Optional[FoundTable], str]:
        """Return the table if it is there, complete and has this pod, else None and why not."""
        try:
            text = self.path.read_text("utf-8")
            document: Any = json.loads(text)
        except OSError as error:
            return None, f"it cannot be read ({error.strerror})"
        except ValueError as error:
            return None, f"it is not JSON ({error})"
        if status(document) != COMPLETED:
            return None, f"its status is {status(document)!r}, not {COMPLETED!r}"
        table = parse(document, self.devices, str(self.path))
        place = find_server(table, self.identity, self.node_index)
        if place is None:
            return None, f"it does not have this pod ({self.identity}); {_has(table)}"
        return FoundTable(table, place, text, str(self.path)), ""


def _has(table: RankTable) -> str:
    return f"it has server_id {', '.join(server.server_id for server in table.servers) or 'none'}"
