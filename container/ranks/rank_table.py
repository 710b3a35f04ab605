"""The rank table: which device of which server has which rank.

Versions 1.0 and 1.2 list servers with their devices, all values strings; 2.0 lists ranks with numbers and
names no server (mind-cluster@22bb3d98 docs/zh/scheduling/06_api/14_hccl.json_file_description.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple, cast

from pod.exit_codes import BAD_RANK_TABLE, Fault

COMPLETED = "completed"
VERSIONS = ("1.0", "1.2", "2.0")


@dataclass(frozen=True)
class Device:
    """One accelerator: its id on the host, its address ('' where the table has none) and its rank."""

    device_id: int
    device_ip: str
    rank_id: int


@dataclass(frozen=True)
class Server:
    """One entry of the server list: a pod's devices. Addresses that the table does not have are ''."""

    server_id: str
    devices: Tuple[Device, ...]
    host_ip: str = ""
    container_ip: str = ""


@dataclass(frozen=True)
class RankTable:
    """A complete table. `server_count` is what the table says of itself, right or wrong."""

    version: str
    servers: Tuple[Server, ...]
    server_count: int


def status(document: object) -> str:
    """Return how far the writer of `document` is: 'initializing' until the table is 'completed'."""
    return str(document.get("status", "")) if isinstance(document, dict) else ""


def parse(document: object, devices: int, origin: str) -> RankTable:
    """Read the table `document` from `origin`, of pods with `devices` devices each.

    Raises `Fault` (BAD_RANK_TABLE) for another version or shape. Whether the content is sound is for
    `rank_table_check`.
    """
    if not isinstance(document, dict):
        raise Fault(BAD_RANK_TABLE, f"rank table {origin} is {_kind(document)}, but must be a JSON object")
    version = str(document.get("version"))
    if version not in VERSIONS:
        given = f"version {version!r}" if "version" in document else "no version"
        raise Fault(
            BAD_RANK_TABLE, f"rank table {origin} has {given}, but must be one of {', '.join(VERSIONS)}"
        )
    try:
        return _parse_ranks(document, devices) if version == "2.0" else _parse_servers(document, version)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        cause = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise Fault(
            BAD_RANK_TABLE, f"rank table {origin} of version {version} cannot be read: {cause}"
        ) from error


def merge(servers: Sequence[Server]) -> RankTable:
    """Return one table of `servers`, each described by its own pod, with ranks counted in the order given."""
    merged: List[Server] = []
    rank = 0
    for server in servers:
        devices = tuple(
            Device(device.device_id, device.device_ip, rank + place)
            for place, device in enumerate(server.devices)
        )
        merged.append(Server(server.server_id, devices, server.host_ip, server.container_ip))
        rank += len(devices)
    return RankTable("1.0", tuple(merged), len(merged))


def render(table: RankTable) -> str:
    """Return `table` as JSON of version 1.0 as the communication library reads it: every value is a string.

    The keys are those of mindformers@3354237 mindformers/tools/hccl_tools.py.
    """
    servers = [
        {
            "server_id": server.server_id,
            "device": [
                {
                    "device_id": str(device.device_id),
                    "device_ip": device.device_ip,
                    "rank_id": str(device.rank_id),
                }
                for device in server.devices
            ],
            "host_nic_ip": "reserve",
        }
        for server in table.servers
    ]
    document = {
        "version": "1.0",
        "server_count": str(len(servers)),
        "server_list": servers,
        "status": COMPLETED,
    }
    return json.dumps(document, indent=4) + "\n"


def describe(server: Server) -> Dict[str, Any]:
    """Return `server` as plain data that `server_of` reads, without ranks, which merging gives."""
    devices = [[device.device_id, device.device_ip] for device in server.devices]
    return {"server_id": server.server_id, "devices": devices}


def server_of(description: object) -> Server:
    """Return the server that `describe` wrote, ranks from 0; raises `ValueError` for any other shape."""
    try:
        fields = cast(Dict[str, Any], description)
        pairs = [(int(device_id), str(address)) for device_id, address in fields["devices"]]
        server_id = str(fields["server_id"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{description!r} describes no server") from error
    devices = tuple(Device(device_id, address, rank) for rank, (device_id, address) in enumerate(pairs))
    return Server(server_id, devices)


def _parse_servers(document: Dict[str, Any], version: str) -> RankTable:
    servers = tuple(
        Server(
            server_id=str(server["server_id"]),
            devices=tuple(
                Device(int(device["device_id"]), str(device.get("device_ip") or ""), int(device["rank_id"]))
                for device in server["device"]
            ),
            host_ip=str(server.get("host_ip") or ""),
            container_ip=str(server.get("container_ip") or ""),
        )
        for server in document["server_list"]
    )
    return RankTable(version, servers, int(document["server_count"]))


def _parse_ranks(document: Dict[str, Any], devices: int) -> RankTable:
    """Cut the flat list into pods: a rank is the pod's index times its devices plus the place in the pod.

    That is how the operator counts (mind-cluster@22bb3d98
    component/ascend-operator/pkg/ranktable/v2dot0/ranktable.go).
    """
    ranks = sorted(
        (Device(int(rank["device_id"]), "", int(rank["rank_id"])) for rank in document["rank_list"]),
        key=lambda device: device.rank_id,
    )
    if int(document["rank_count"]) != len(ranks):
        raise ValueError(f"rank_count is {document['rank_count']}, but {len(ranks)} ranks are listed")
    pods = [tuple(ranks[start : start + devices]) for start in range(0, len(ranks), devices)]
    return RankTable("2.0", tuple(Server(f"pod {index}", pod) for index, pod in enumerate(pods)), len(pods))


def _kind(document: object) -> str:
    return {list: "a list", str: "a string", type(None): "null"}.get(type(document), "a number or boolean")
