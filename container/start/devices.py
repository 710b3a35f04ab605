"""The devices that a container has, as the vendor's tool or else the device files tell."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

TOOL_SECONDS = 60

_NPU = re.compile(r"^\|\s*(\d+)\s+(\S*[A-Za-z]\S*)\s*\|\s*([A-Za-z]+)\s*\|", re.MULTILINE)
"""`| 0     910B3  | OK  | 92.5 ...`, once a chip (npu-smi info)."""

_CARD = re.compile(r"^\|\s*(\d+)\s+\S+\s+(MLU\S+)", re.MULTILINE)
"""`| 0     /   MLU370-X8    v1.1.4 | ...`, once a card (cnmon)."""

_NPU_VERSION = re.compile(r"\|\s*npu-smi\s+\S+\s+Version:\s*(\S+)")
_MLU_VERSION = re.compile(r"Driver\s+v?(\d\S*)")
"""`| CNMON v5.10.22       Driver v5.10.22 |` at the head (cnmon of 5.10)."""

_MLU_ROW_VERSION = re.compile(r"^\|\s*\d+\s+\S+\s+MLU\S+\s+\S+\s*\|\s*\S+\s+v(\d\S*)", re.MULTILINE)
"""`| 0     /   MLU370-X4    v1.1.6 | On          v4.20.11 | ...`, once a card (cnmon of 4.20)."""

_TPU_VERSION = re.compile(r"(\d+(?:\.\d+)+)")
_SOUND = "OK"


@dataclass(frozen=True)
class Device:
    """One device: its number on the node, its name, and its health in the vendor's word, '' if unknown."""

    number: int
    name: str
    health: str = ""


@dataclass(frozen=True)
class Seen:
    """The devices of this container, where that is known from, and the driver's version, '' if unknown."""

    devices: Tuple[Device, ...]
    origin: str
    driver: str = ""

    @property
    def unsound(self) -> Tuple[Device, ...]:
        """Those that the vendor's tool does not call sound."""
        return tuple(device for device in self.devices if device.health not in ("", _SOUND))


@dataclass(frozen=True)
class Places:
    """Folders of the container: `dev` of the devices, `ascend` of Ascend's software, `proc` of the kernel."""

    dev: Path
    ascend: Path
    proc: Path


def look(vendor: str, places: Places) -> Seen:
    """Return what there is of `vendor`: ascend, cambricon or sophon."""
    looks: Dict[str, Callable[[Places], Seen]] = {
        "ascend": _ascend,
        "cambricon": _cambricon,
        "sophon": _sophon,
    }
    return looks[vendor](places)


def _ascend(places: Places) -> Seen:
    text = _ask("npu-smi", "info")
    driver = _field(places.ascend / "driver" / "version.info", "Version")
    if text is None:
        return _files(places.dev, "davinci", driver, "npu-smi")
    found = tuple(Device(int(number), name, health) for number, name, health in _NPU.findall(text))
    version = _NPU_VERSION.search(text)
    return Seen(found, "npu-smi info", driver or (version.group(1) if version else ""))


def _cambricon(places: Places) -> Seen:
    text = _ask("cnmon")
    if text is None:
        return _files(places.dev, "cambricon_dev", "", "cnmon")
    version = _MLU_VERSION.search(text) or _MLU_ROW_VERSION.search(text)
    found = tuple(Device(int(number), name) for number, name in _CARD.findall(text))
    return Seen(found, "cnmon", version.group(1) if version else "")


def _sophon(places: Places) -> Seen:
    """Look at the device files: bm-smi draws a screen, and without a terminal it waits for ever.

    A card's chips are bm-sophonN, a module's own one is bm-tpu0 (libsophon bmlib/src/bmlib_runtime.cpp).
    """
    path = places.proc / "bmsophon" / "driver_version"
    match = _TPU_VERSION.search(path.read_text("utf-8", "replace")) if path.is_file() else None
    driver = match.group(1) if match else ""
    chips = _files(places.dev, "bm-sophon", driver)
    return chips if chips.devices else _files(places.dev, "bm-tpu", driver)


def _files(dev: Path, name: str, driver: str, missing: str = "") -> Seen:
    matches = [re.fullmatch(rf"{name}(\d+)", path.name) for path in dev.glob(f"{name}*")]
    numbers = sorted(int(match.group(1)) for match in matches if match)
    origin = f"{dev}/{name}N" + (
        f" ({missing} is not to be had, so their health is unknown)" if missing else ""
    )
    return Seen(tuple(Device(number, f"{name}{number}") for number in numbers), origin, driver)


def _ask(*argv: str) -> Optional[str]:
    """Return what the tool says, None if it is missing, fails or hangs for a minute."""
    if shutil.which(argv[0]) is None:
        return None
    try:
        result = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TOOL_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode("utf-8", "replace")


def _field(path: Path, name: str) -> str:
    """Return the value of `name=value` in `path`, '' if there is none."""
    if not path.is_file():
        return ""
    match = re.search(rf"^{name}=(\S+)", path.read_text("utf-8", "replace"), re.MULTILINE | re.IGNORECASE)
    return match.group(1) if match else ""


def cann(ascend: Path, toolkit: str) -> Optional[str]:
    """Return the version of CANN, '' if it does not say, None if it is not there.

    Read from `ascend_toolkit_install.info` or `ascend_nnrt_install.info` in a folder of the architecture
    below `toolkit` (ASCEND_TOOLKIT_HOME, which set_env.sh sets) or the folders that installers link.
    """
    roots = [Path(toolkit)] if toolkit else []
    roots += [ascend / "ascend-toolkit" / "latest", ascend / "nnrt" / "latest", ascend / "latest"]
    for root in roots:
        for path in sorted([*root.glob("ascend_*_install.info"), *root.glob("*/ascend_*_install.info")]):
            version = _field(path, "version")
            if version:
                return version
    return "" if any(root.is_dir() for root in roots) else None
