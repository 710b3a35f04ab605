"""The pods of a job, brought together for as long as this one lives."""

from __future__ import annotations

import contextlib
import logging
from functools import partial
from typing import Any, Dict, Iterator, Mapping

from artifacts.storage import storing
from pod.exit_codes import BAD_SETTING, Fault
from ranks.address import own_address
from ranks.meet_file import MeetingPoint, announce, kept_token, line_by_file
from ranks.meeting import Meeting
from ranks.meeting_line import Ask, line
from ranks.meeting_server import Desk, MeetingServer
from ranks.member import Member, Times
from ranks.options import Options
from ranks.planning import mistake_of
from ranks.rank_table import server_of
from ranks.signals import Signals

TOKEN = "MEET_TOKEN"  # noqa: S105 (the name of a variable)


@contextlib.contextmanager
def joined(options: Options, env: Mapping[str, str], signals: Signals) -> Iterator[Member]:
    """Give this pod's place among the others; pod 0 keeps the record meanwhile.

    At the end this pod takes leave, and pod 0 stays until the others know how it ended or are lost.
    """
    secret = env.get(TOKEN, "")
    if not secret and not options.meet_file:
        raise Fault(
            BAD_SETTING, f"{TOKEN} is not set; give all pods of the job the same secret by this variable"
        )
    settings = {
        "--nodes": options.nodes,
        "--devices": options.devices,
        "--rank-env": options.rank_env,
        "--rank-table": options.rank_table,
    }
    server = _serve(options, settings, env, secret) if options.node_index == 0 else None
    ask = server.desk.ask if server else _line(options, secret)
    times = Times(options.heartbeat, options.lost_after, options.wait)
    member = Member(options.node_index, settings, ask, times, signals.wake)
    member.start()
    cause = "ended"
    try:
        yield member
    except Fault as fault:
        cause = str(fault)
        raise
    finally:
        member.leave(cause)
        if server and not server.see_off(options.lost_after):
            logging.getLogger("launch").warning("some pods still do not know that pod 0 ends")


def _serve(options: Options, settings: Dict[str, Any], env: Mapping[str, str], secret: str) -> MeetingServer:
    """Start pod 0's server and only then, so that nobody finds it too early, tell where it is."""
    file = options.meet_file
    token = secret or (kept_token(file) if file else "")
    desk = Desk(Meeting(options.nodes, settings, options.lost_after, partial(_mistake, options)))
    server = _listening(desk, options, token)
    server.start()
    if file:
        host = options.meet_host or own_address(options.server_ip, env, alone=False)
        with storing(file):
            port = 0 if server.port == options.meet_port else server.port
            announce(file, MeetingPoint(host, "" if secret else token, port))
    return server


def _listening(desk: Desk, options: Options, token: str) -> MeetingServer:
    """Open the port, or any where it is taken and a file can tell the others.

    On the host's network another job's pod 0 may have it.
    """
    try:
        return MeetingServer(desk, options.meet_port, token)
    except Fault as fault:
        if not options.meet_file:
            raise
        server = MeetingServer(desk, 0, token)
        logging.getLogger("launch").warning("%s; the pods meet at port %d instead", fault, server.port)
        return server


def _line(options: Options, secret: str) -> Ask:
    patience = options.lost_after / 4
    if options.meet_file:
        return line_by_file(options.meet_file, options.meet_host, options.meet_port, secret, patience)
    return line(options.meet_host, options.meet_port, secret, patience)


def _mistake(options: Options, plan: Dict[str, Any]) -> str:
    try:
        return mistake_of([server_of(server) for server in plan["servers"]], options)
    except ValueError as error:
        return f"the pods' descriptions cannot be read: {error}"
