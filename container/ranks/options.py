"""The launcher's command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from pod.arguments import Parser
from pod.exit_codes import USAGE, Fault
from ranks import rank_env

OPERATOR_TABLE = Path("/user/serverid/devindex/config/hccl.json")
"""Where the operator's ConfigMap is mounted (mind-cluster@22bb3d98 docs, hccl.json)."""


@dataclass(frozen=True)
class Options:
    """The command line, checked. Times are seconds; a `rendezvous_port` of 0 is any free one."""

    argv: Tuple[str, ...]
    devices: int
    nodes: int
    node_index: int
    rank_env: str
    rank_table: str
    rank_table_file: Optional[Path]
    hccn_conf: Path
    hccn_tool: str
    server_ip: str
    device_numbering: str
    wait: float
    work_dir: Optional[Path]
    log_dir: Optional[Path]
    grace: float
    finish_within: float
    kind: str
    progress: str
    progress_interval: float
    rendezvous_host: str
    rendezvous_port: int
    scheduler: str
    meet_host: str
    meet_port: int
    meet_file: Optional[Path]
    heartbeat: float
    lost_after: float

    @property
    def world_size(self) -> int:
        """Ranks of the whole job."""
        return self.nodes * self.devices

    @property
    def meets(self) -> bool:
        """Whether this pod meets the others; without, nobody tells it that one of them is lost."""
        return self.nodes > 1 and self.scheduler != "only" and bool(self.meet_host or self.meet_file)


def parse(arguments: List[str]) -> Options:
    """Read the command line; raises `Fault` (USAGE) that says what is wrong and what is allowed."""
    flags, argv = _split(arguments)
    options = Options(argv=argv, **vars(_parser().parse_args(flags)))
    mistake = _mistake(options)
    if mistake:
        raise Fault(USAGE, mistake)
    return options


def _split(arguments: List[str]) -> Tuple[List[str], Tuple[str, ...]]:
    if "--" not in arguments or arguments[-1] == "--":
        if {"-h", "--help"} & set(arguments):
            return arguments, ()
        raise Fault(
            USAGE,
            "no command is given; put it after '--', as in: launch.py --devices 8 ... -- python train.py",
        )
    place = arguments.index("--")
    return arguments[:place], tuple(arguments[place + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="launch.py", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--devices", type=_count, required=True, help="devices of this pod: one rank is started on each"
    )
    parser.add_argument("--nodes", type=_count, default=1, help="pods of the job (default 1)")
    parser.add_argument("--node-index", type=_index, default=0, help="this pod, from 0 (default 0)")
    parser.add_argument(
        "--kind", choices=("task", "server"), default="task", help="a task is done when all ranks end 0"
    )
    parser.add_argument(
        "--rank-env", choices=rank_env.KINDS, required=True, help="the names each rank gets its values by"
    )
    _add_table_flags(parser)
    _add_run_flags(parser)
    _add_meeting_flags(parser)
    return parser


def _add_table_flags(parser: argparse.ArgumentParser) -> None:
    sources = ("none", "generated", "operator", "file")
    parser.add_argument(
        "--rank-table", choices=sources, default="none", help="source of the rank table (default none)"
    )
    parser.add_argument(
        "--rank-table-file", type=Path, help=f"the table (operator: default {OPERATOR_TABLE})"
    )
    parser.add_argument("--hccn-conf", type=Path, default=Path("/etc/hccn.conf"), help="addresses of devices")
    parser.add_argument("--hccn-tool", default="hccn_tool", help="asked for the addresses first")
    parser.add_argument(
        "--server-ip", default="", help="this pod's address (default POD_IP, XDL_IP, HOST_IP, host name)"
    )
    numbering = ("local", "host")
    parser.add_argument(
        "--device-numbering", choices=numbering, default="local", help="what DEVICE_ID counts"
    )
    parser.add_argument(
        "--wait", type=_seconds, default=600.0, help="for the table and the other pods (default 600)"
    )


def _add_run_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work-dir", type=Path, help="each rank runs in a folder of its own here")
    parser.add_argument("--log-dir", type=Path, help="each rank's raw output is kept here")
    parser.add_argument("--grace", type=_seconds, default=30.0, help="from SIGTERM to SIGKILL (default 30)")
    parser.add_argument(
        "--finish-within", type=_seconds, default=1800.0, help="after the first rank; 0 is no limit"
    )
    parser.add_argument(
        "--progress", choices=("none", "mindformers"), default="none", help="whose log lines to read"
    )
    parser.add_argument(
        "--progress-interval", type=_seconds, default=10.0, help="between progress lines (default 10)"
    )


def _add_meeting_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rendezvous-host", default="", help="MASTER_ADDR, MS_SCHED_HOST (default: pod 0)")
    parser.add_argument(
        "--rendezvous-port", type=_port, default=0, help="MASTER_PORT, MS_SCHED_PORT (default: a free one)"
    )
    choices = ("first-node", "only", "outside")
    parser.add_argument(
        "--scheduler", choices=choices, default="first-node", help="who starts MindSpore's scheduler"
    )
    parser.add_argument("--meet-host", default="", help="pod 0; without, the pods of a job do not meet")
    parser.add_argument("--meet-port", type=_port, default=8476, help="TCP port of pod 0 (default 8476)")
    parser.add_argument(
        "--meet-file", type=Path, help="on a shared volume: says where pod 0 is, and the token"
    )
    parser.add_argument("--heartbeat", type=_seconds, default=2.0, help="between signs of life (default 2)")
    parser.add_argument(
        "--lost-after", type=_seconds, default=20.0, help="silence of a lost pod (default 20)"
    )


def _mistake(options: Options) -> str:
    if options.node_index >= options.nodes:
        return f"--node-index is {options.node_index}, but must be 0 to {options.nodes - 1} (--nodes)"
    given = options.rank_table != "generated" and options.rendezvous_host and options.rendezvous_port
    if options.nodes > 1 and not options.meet_host and not options.meet_file and not given:
        return (
            f"--nodes is {options.nodes}, but --meet-host is not given; name pod 0, as in train-0.train, or"
            " a --meet-file that all pods share, or give --rendezvous-host, --rendezvous-port and another"
            " --rank-table than generated"
        )
    if options.lost_after <= 2 * options.heartbeat:
        return f"--lost-after is {options.lost_after:g}, but must be above twice --heartbeat"
    return _table_mistake(options) or _scheduler_mistake(options)


def _table_mistake(options: Options) -> str:
    if options.rank_table == "file" and options.rank_table_file is None:
        return "--rank-table file needs --rank-table-file"
    if options.rank_table in ("none", "generated") and options.rank_table_file is not None:
        return f"--rank-table-file goes with --rank-table operator or file, not {options.rank_table}"
    return ""


def _scheduler_mistake(options: Options) -> str:
    if options.scheduler == "first-node":
        return ""
    if options.rank_env != rank_env.MINDSPORE_CLUSTER:
        return (
            f"--scheduler {options.scheduler} goes with --rank-env mindspore-cluster, not {options.rank_env}"
        )
    if not (options.rendezvous_host and options.rendezvous_port):
        return f"--scheduler {options.scheduler} needs --rendezvous-host and --rendezvous-port"
    return ""


def _count(text: str) -> int:
    return _within(text, 1, 100_000)


def _index(text: str) -> int:
    return _within(text, 0, 100_000)


def _port(text: str) -> int:
    return _within(text, 0, 65_535)


def _within(text: str, lowest: int, highest: int) -> int:
    if not text.isdigit() or not lowest <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from {lowest} to {highest}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds, 0 or more")
    return value
