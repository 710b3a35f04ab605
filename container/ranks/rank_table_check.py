"""Whether a rank table can work, checked before a rank starts: later, a mistake is a hang of ten minutes."""

from __future__ import annotations

from collections import Counter
from typing import Dict, Iterable, List

from pod.exit_codes import BAD_RANK_TABLE, Fault
from ranks.rank_table import RankTable, Server


def check(table: RankTable, nodes: int, devices: int, origin: str) -> None:
    """Raise `Fault` (BAD_RANK_TABLE) with every mistake of `table` for `nodes` pods of `devices` each."""
    mistakes = [
        *_server_mistakes(table, nodes),
        *_device_count_mistakes(table.servers, devices),
        *_twice("server_id", [server.server_id for server in table.servers]),
        *_device_id_mistakes(table.servers),
        *_device_ip_mistakes(table.servers),
        *_rank_mistakes(
            [device.rank_id for server in table.servers for device in server.devices], nodes * devices
        ),
    ]
    if mistakes:
        raise Fault(BAD_RANK_TABLE, f"rank table {origin} cannot be used: {'; '.join(mistakes)}")


def _server_mistakes(table: RankTable, nodes: int) -> List[str]:
    found = len(table.servers)
    mistakes = []
    if table.server_count != found:
        mistakes.append(f"server_count is {table.server_count}, but {_count(found, 'server')} listed")
    if found != nodes:
        mistakes.append(f"{_count(found, 'server')} listed, but the job has {nodes} (--nodes)")
    return mistakes


def _device_count_mistakes(servers: Iterable[Server], devices: int) -> List[str]:
    return [
        f"server {server.server_id} has {len(server.devices)} devices, but a pod has {devices} (--devices)"
        for server in servers
        if len(server.devices) != devices
    ]


def _device_id_mistakes(servers: Iterable[Server]) -> List[str]:
    return [
        f"{mistake} in server {server.server_id}"
        for server in servers
        for mistake in _twice("device_id", [str(device.device_id) for device in server.devices])
    ]


def _device_ip_mistakes(servers: Iterable[Server]) -> List[str]:
    owners: Dict[str, List[str]] = {}
    for server in servers:
        for device in server.devices:
            owners.setdefault(device.device_ip, []).append(
                f"device {device.device_id} of server {server.server_id}"
            )
    return [
        f"device_ip {address} belongs to {' and '.join(names)}"
        for address, names in owners.items()
        if address and len(names) > 1
    ]


def _rank_mistakes(ranks: List[int], expected: int) -> List[str]:
    if sorted(ranks) == list(range(expected)):
        return []
    missing = sorted(set(range(expected)) - set(ranks))
    outside = sorted(rank for rank in set(ranks) if not 0 <= rank < expected)
    parts = [f"ranks must be 0 to {expected - 1}, each once"]
    parts += [f"missing {', '.join(map(str, missing))}"] if missing else []
    parts += [f"outside {', '.join(map(str, outside))}"] if outside else []
    parts += _twice("rank_id", [str(rank) for rank in ranks])
    return [" (".join([parts[0], ", ".join(parts[1:])]) + ")"]


def _twice(what: str, values: List[str]) -> List[str]:
    return [f"{what} {value} is there {count} times" for value, count in Counter(values).items() if count > 1]


def _count(number: int, noun: str) -> str:
    return f"1 {noun} is" if number == 1 else f"{number} {noun}s are"
