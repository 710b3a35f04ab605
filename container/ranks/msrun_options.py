"""The command line of the launcher by msrun."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from pod.arguments import Parser, whole
from pod.exit_codes import USAGE, Fault

NAME = "launch_msrun"


@dataclass(frozen=True)
class MsrunOptions:
    """The command line, checked; times are seconds."""

    argv: Tuple[str, ...]
    pods: int
    pod_index: int
    devices: int
    master_host: str
    meet_file: Optional[Path]
    port: int
    log_dir: Path
    work_dir: Optional[Path]
    grace: float
    cluster_time_out: int
    progress: str

    @property
    def workers(self) -> range:
        """The numbers of this pod's workers."""
        first = self.pod_index * self.devices
        return range(first, first + self.devices)


def parse(arguments: Sequence[str]) -> MsrunOptions:
    """Read the command line; raises `Fault` (USAGE)."""
    flags, argv = _split(list(arguments))
    parser = Parser(prog=NAME, description="Run msrun and end as its workers end.", allow_abbrev=False)
    parser.add_argument("--pods", type=whole(1, 100_000), default=1, help="of the job (default 1)")
    parser.add_argument("--pod-index", type=whole(0, 100_000), default=0, help="this pod, from 0")
    parser.add_argument("--devices", type=whole(1, 1024), required=True, help="of this pod, a worker each")
    parser.add_argument("--master-host", default="", help="name of pod 0 (needed with --pods above 1)")
    parser.add_argument("--meet-file", type=Path, help="on a shared volume: pod 0 says there where it is")
    parser.add_argument("--port", type=whole(1024, 65535), default=8118, help="of pod 0 (default 8118)")
    parser.add_argument("--log-dir", type=Path, required=True, help="msrun writes the workers' output here")
    parser.add_argument("--work-dir", type=Path, help="the workers' working directory (default ours)")
    parser.add_argument("--grace", type=float, default=30.0, help="from SIGTERM to SIGKILL (default 30)")
    parser.add_argument(
        "--cluster-time-out", type=whole(1, 1_000_000), default=600, help="for all to meet (default 600)"
    )
    parser.add_argument("--progress", choices=("none", "mindformers"), default="none")
    given = parser.parse_args(flags)
    if given.pod_index >= given.pods:
        raise Fault(USAGE, f"--pod-index is {given.pod_index}, but must be 0 to {given.pods - 1} (--pods)")
    if given.pod_index and not given.master_host and not given.meet_file:
        raise Fault(
            USAGE,
            "--master-host is not given; name pod 0, as in train-0.train, or a --meet-file that all share",
        )
    return MsrunOptions(argv=tuple(argv), **vars(given))


def _split(arguments: List[str]) -> Tuple[List[str], List[str]]:
    place = arguments.index("--") if "--" in arguments else len(arguments)
    argv = arguments[place + 1 :]
    if not argv and not {"-h", "--help"} & set(arguments):
        raise Fault(USAGE, "no command is given; put it after '--', as in: -- python3 train.py")
    return arguments[:place], argv
