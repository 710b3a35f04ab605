"""Looks at image and devices, says what it found, and becomes the command if all is as it must be."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from pod.exit_codes import IMAGE_MISMATCH, TRANSIENT, USAGE, Fault
from pod.main import run
from start.devices import Places, Seen, cann, look
from start.options import NAME, Options, parse
from start.packages import installed
from start.versions import at_least, is_cann, is_version

RUN_CHECK_SECONDS = 600
RUN_CHECK = "import mindspore; mindspore.run_check()"
PASSED = "successfully"
"""In the last line of MindSpore's check if it passed; it ends with 0 in any case (mindspore 2.7.0)."""

TAIL = 5

log = logging.getLogger(NAME)

_VERDICTS = {
    True: (logging.INFO, "as expected: %s"),
    None: (logging.WARNING, "not to be known: %s"),
    False: (logging.ERROR, "DIFFERENT: %s"),
}


@dataclass(frozen=True)
class Row:
    """A row of the table: what is expected ('' for anything), what is there ('' if it does not say).

    `agrees` is None where that cannot be known, which is no reason not to start.
    """

    name: str
    expected: str
    found: Optional[str]
    agrees: Optional[bool]

    def __str__(self) -> str:
        expected = f", expected {self.expected}" if self.expected else ""
        found = "not there" if self.found is None else self.found or "of an unknown version"
        return f"{self.name} is {found}{expected}"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Check as the command line `arguments` says (default: this process's) and become its command."""
    return run(NAME, lambda: _main(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    seen = None
    if options.vendor != "none":
        seen = look(options.vendor, Places(options.dev, options.ascend_root, Path("/proc")))
    table = rows(options, seen)
    for row in table:
        log.log(*_VERDICTS[row.agrees], row)
    _compare(table)
    if seen is not None:
        _check_devices(options, seen)
    if options.run_check:
        _run_check()
    return _become(options.argv)


def rows(options: Options, seen: Optional[Seen]) -> List[Row]:
    """Return what is expected and what is there, for the log and for comparison."""
    table = [_row(name, version, installed(name), is_version) for name, version in options.packages]
    if options.cann:
        found = cann(options.ascend_root, os.environ.get("ASCEND_TOOLKIT_HOME", ""))
        table.append(_row("CANN", options.cann, found, is_cann))
    if seen is not None and options.driver_at_least:
        row = _row("the driver", options.driver_at_least, seen.driver, at_least)
        table.append(replace(row, expected=f"{row.expected} or later"))
    elif seen is not None and seen.driver:
        table.append(Row("the driver", "", seen.driver, True))
    table.append(Row("Python", "", sys.version.partition(" ")[0], True))
    return table


def _row(name: str, expected: str, found: Optional[str], same: Callable[[str, str], bool]) -> Row:
    agrees = None if found == "" else found is not None and same(found, expected)
    return Row(name, expected, found, agrees)


def _compare(table: Sequence[Row]) -> None:
    wrong = "; ".join(str(row) for row in table if row.agrees is False)
    if wrong:
        raise Fault(
            IMAGE_MISMATCH,
            f"image or node is not what this version needs: {wrong}; use an image and a node with what is"
            " expected, or choose the version that goes with these",
        )


def _check_devices(options: Options, seen: Seen) -> None:
    """Raise a fault that is worth another try: another node may be sound."""
    listed = ", ".join(f"{device.number} {device.name} {device.health}".strip() for device in seen.devices)
    log.info("%d device(s) by %s: %s", len(seen.devices), seen.origin, listed or "none")
    if len(seen.devices) < options.devices:
        raise Fault(
            TRANSIENT,
            f"{options.devices} devices are needed, but {len(seen.devices)} are there by {seen.origin}:"
            f" {listed or 'none'}; see that the container requests them and that the node has not lost one",
        )
    if seen.unsound:
        named = ", ".join(f"{device.number} ({device.name}) is {device.health}" for device in seen.unsound)
        raise Fault(TRANSIENT, f"device {named} by {seen.origin}; take the device or its node out of service")


def _run_check() -> None:
    """Have MindSpore compute something, in a process of its own: it keeps the device as long as it lives."""
    try:
        result = subprocess.run(
            [sys.executable, "-c", RUN_CHECK],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_CHECK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Fault(
            TRANSIENT, f"mindspore.run_check() did not end within {RUN_CHECK_SECONDS} s: a device may hang"
        ) from error
    lines = result.stdout.decode("utf-8", "replace").strip().splitlines()
    for line in lines:
        log.info("run_check: %s", line)
    if result.returncode or not any(PASSED in line for line in lines):
        last = " | ".join(lines[-TAIL:]) or "it said nothing"
        raise Fault(
            IMAGE_MISMATCH,
            f"mindspore.run_check() failed with code {result.returncode}: {last}; MindSpore, CANN and driver"
            " of image and node must go together",
        )


def _become(argv: List[str]) -> int:
    log.info("starting %s", argv[0])
    try:
        os.execvp(argv[0], argv)  # noqa: S606 (to become it is the purpose: it gets our signals)
    except OSError as error:
        raise Fault(
            USAGE, f"cannot run {argv[0]}: {os.strerror(error.errno or 0)}; is it in this image?"
        ) from error
