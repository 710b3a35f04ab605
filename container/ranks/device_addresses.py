"""The network addresses of a pod's devices, as the driver's tool or its configuration file know them."""

from __future__ import annotations

import ipaddress
import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

from pod.exit_codes import BAD_RANK_TABLE, Fault

DRIVER_TOOL = Path("/usr/local/Ascend/driver/tools/hccn_tool")
"""Where the driver has it; the folder is not on PATH in the vendor's images."""


def find_tool(name: str) -> Optional[str]:
    """Return the path of the tool `name`, on PATH or where the driver has it, or None."""
    found = shutil.which(name)
    if found is None and name == "hccn_tool" and DRIVER_TOOL.exists():
        return str(DRIVER_TOOL)
    return found


def addresses(ids: Sequence[int], tool: Optional[str], configuration: Path) -> Tuple[str, ...]:
    """Return the address of each device of `ids` (numbers of the host), in that order.

    Asks `tool` (`hccn_tool -i N -ip -g`, as mindformers@3354237 mindformers/tools/hccl_tools.py does) and,
    device by device, reads `address_N=` of `configuration` where that gives none. Raises `Fault`
    (BAD_RANK_TABLE) with all that have no address.
    """
    written = (
        read_configuration(configuration.read_text("utf-8", "replace")) if configuration.is_file() else {}
    )
    found = [(tool and ask(tool, device)) or written.get(device, "") for device in ids]
    without = [str(device) for device, address in zip(ids, found) if not address]
    if without:
        asked = f"{tool} -i N -ip -g" if tool else "hccn_tool (not found)"
        read = f"{configuration} (address_N=)" if configuration.is_file() else f"{configuration} (not found)"
        raise Fault(
            BAD_RANK_TABLE,
            f"no address for device {', '.join(without)} of the host from {asked} or {read};"
            " mount the driver's tools and hccn.conf of the host, or give the devices addresses",
        )
    return tuple(found)


def ask(tool: str, device: int) -> str:
    """Return the address that `tool` gives for `device`, '' if it fails, hangs for 20 s or names none."""
    try:
        result = subprocess.run(
            [tool, "-i", str(device), "-ip", "-g"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    match = re.search(r"^\s*ipaddr\s*:\s*(\S+)\s*$", result.stdout.decode("utf-8", "replace"), re.MULTILINE)
    return _address(match.group(1)) if match else ""


def read_configuration(text: str) -> Dict[int, str]:
    """Return the addresses of `hccn.conf`'s `address_N=IP` lines by device number."""
    lines = re.findall(r"^\s*address_(\d+)\s*=\s*(\S+)\s*$", text, re.MULTILINE)
    return {int(device): _address(address) for device, address in lines if _address(address)}


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
