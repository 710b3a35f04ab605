"""How a pod comes to its plan."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from pod.exit_codes import Fault
from ranks.address import free_port, own_address, resolve
from ranks.device_addresses import addresses, find_tool
from ranks.devices import host_ids
from ranks.options import OPERATOR_TABLE, Options
from ranks.places import places_by_index, places_by_table
from ranks.plan import Agreement, Plan
from ranks.rank_table import Device, Server, describe, merge, render
from ranks.rank_table_check import check
from ranks.signals import Signals
from ranks.table_sources import FoundTable, Identity, OperatorTable, read_file


class Planner:
    """Makes this pod's plan from its options, its environment and what the pods agreed on."""

    def __init__(self, options: Options, env: Mapping[str, str], signals: Signals) -> None:
        self._options = options
        self._env = env
        self._signals = signals
        self._log = logging.getLogger("launch")
        self._offered: Optional[FoundTable] = None
        self._ids: Optional[Tuple[int, ...]] = None
        if options.scheduler != "only":
            self._ids = host_ids(options.devices, env, Path(env.get("DEV_ROOT", "/dev")))

    def alone(self) -> Agreement:
        """Return the agreement of a pod that has no others to meet."""
        options = self._options
        host = resolve(options.rendezvous_host or "127.0.0.1", options.wait, self._signals.stopped)
        servers = (self.describe(),) if options.rank_table == "generated" else ()
        return Agreement(host, options.rendezvous_port or free_port(), servers)

    def offer(self) -> Callable[[], Optional[Dict[str, Any]]]:
        """Return what tells the other pods of us, None while our rank table is not there yet.

        Each call of this method chooses a new port, so that a new generation meets nobody of the last.
        """
        options = self._options
        if options.rendezvous_host:
            host = resolve(options.rendezvous_host, options.wait, self._signals.stopped)
        else:
            host = own_address(options.server_ip, self._env, alone=False)
        server = describe(self.describe()) if options.rank_table == "generated" else None
        fixed = {
            "host": host,
            "port": options.rendezvous_port or free_port(),
            "server": server,
            "digest": None,
        }
        return lambda: self._with_digest(fixed)

    def plan(self, agreement: Agreement) -> Plan:
        """Return this pod's part of `agreement`; raises `Fault` for a table that is wrong or never comes."""
        options = self._options
        if options.scheduler == "only":
            return Plan(agreement.host, agreement.port, ())
        if options.rank_table == "none":
            places = places_by_index(options.devices, options.node_index, self._ids, options.device_numbering)
            return Plan(agreement.host, agreement.port, places)
        found = generated(agreement.servers, options) if options.rank_table == "generated" else self.given()
        check(found.table, options.nodes, options.devices, found.origin)
        server = found.table.servers[found.place]
        self._compare(server)
        places = places_by_table(server, self._ids, options.device_numbering)
        return Plan(agreement.host, agreement.port, places, found.text)

    def describe(self) -> Server:
        """Return this pod's own entry of a generated table, ranks counted from 0."""
        options = self._options
        ids = self._ids if self._ids is not None else tuple(range(options.devices))
        found = addresses(ids, find_tool(options.hccn_tool), options.hccn_conf)
        devices = tuple(
            Device(number, address, rank) for rank, (number, address) in enumerate(zip(ids, found))
        )
        return Server(own_address(options.server_ip, self._env, options.nodes == 1), devices)

    def given(self) -> FoundTable:
        """Return the table of the operator or the file, as soon as it is there and has this pod."""
        options = self._options
        identity = Identity.of(self._env, options.server_ip)
        path = options.rank_table_file or OPERATOR_TABLE
        if options.rank_table == "file":
            return read_file(path, options.devices, identity, options.node_index)
        if self._offered:
            return self._offered
        operator = OperatorTable(path, options.devices, identity, options.node_index)
        return operator.wait(options.wait, self._log.info, self._signals.stopped)

    def _with_digest(self, fixed: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Add what shows that all see the same table: a ConfigMap reaches the nodes at different times."""
        options = self._options
        if options.rank_table in ("none", "generated"):
            return fixed
        if options.rank_table == "file":
            found: Optional[FoundTable] = self.given()
        else:
            identity = Identity.of(self._env, options.server_ip)
            path = options.rank_table_file or OPERATOR_TABLE
            found, _ = OperatorTable(path, options.devices, identity, options.node_index).look()
        if found:
            check(found.table, options.nodes, options.devices, found.origin)
        self._offered = found
        return {**fixed, "digest": hashlib.sha256(found.text.encode()).hexdigest()} if found else None

    def _compare(self, server: Server) -> None:
        listed = sorted(device.device_id for device in server.devices)
        if self._ids is not None and sorted(self._ids) != listed:
            self._log.warning(
                "the rank table gives this pod devices %s, but it sees %s; ranks follow the table's order",
                ", ".join(map(str, listed)),
                ", ".join(map(str, self._ids)),
            )


def generated(servers: Sequence[Server], options: Options) -> FoundTable:
    """Return the table that the pods' own descriptions make, in the order of the pods."""
    table = merge(servers)
    return FoundTable(table, options.node_index, render(table), "of the pods' own descriptions")


def mistake_of(servers: Sequence[Server], options: Options) -> str:
    """Return what is wrong with the table of `servers`, '' if nothing is or there is another source."""
    if options.rank_table != "generated":
        return ""
    found = generated(servers, options)
    try:
        check(found.table, options.nodes, options.devices, found.origin)
    except Fault as fault:
        return str(fault)
    return ""
