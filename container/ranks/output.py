"""A rank's output: every byte to its log file, line by line to ours, the end of it kept for the cause."""

from __future__ import annotations

import logging
import sys
from collections import deque
from pathlib import Path
from typing import IO, Callable, Deque, List, Optional

LONGEST_LINE = 64 * 1024
"""Bytes after which an unfinished line is passed on in pieces, since it must not fill the memory."""

TAIL = 20


class Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> List[bytes]:
        """Return the lines that `data` completes, without their ends.

        Of a line redrawn by carriage returns the last drawing counts, as on a terminal.
        """
        *complete, self._rest = (self._rest + data).split(b"\n")
        lines = [_last_drawing(line) for line in complete]
        while len(self._rest) >= LONGEST_LINE:
            lines.append(self._rest[:LONGEST_LINE])
            self._rest = self._rest[LONGEST_LINE:]
        return lines

    def finish(self) -> List[bytes]:
        """Return what is left of a stream that ended without a newline."""
        rest, self._rest = self._rest, b""
        return [_last_drawing(rest)] if rest else []


def _last_drawing(line: bytes) -> bytes:
    return line.rstrip(b"\r").rpartition(b"\r")[2]


class Output:
    """Where one process's output goes. `log` is appended to; `on_line` sees every line as text."""

    def __init__(
        self, prefix: str, log: Optional[Path], on_line: Optional[Callable[[str], None]] = None
    ) -> None:
        self._prefix = f"[{prefix}] ".encode()
        self._log: Optional[IO[bytes]] = log.open("ab", buffering=0) if log else None
        self.on_line = on_line
        self._lines = Lines()
        self.tail: Deque[str] = deque(maxlen=TAIL)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self._log:
            self._keep(self._log, data)
        self._show(self._lines.feed(data))

    def close(self) -> None:
        """Show what is left and close the log."""
        self._show(self._lines.finish())
        if self._log:
            self._log.close()

    def _keep(self, log: IO[bytes], data: bytes) -> None:
        """Write to the log file; a full disk must not end a training whose output is on stdout, too."""
        try:
            log.write(data)
        except OSError as error:
            logging.getLogger("launch").warning("%s is given up: %s", log.name, error.strerror)
            self._log = None
            log.close()

    def _show(self, lines: List[bytes]) -> None:
        if not lines:
            return
        sys.stdout.buffer.write(b"".join(self._prefix + line + b"\n" for line in lines))
        sys.stdout.buffer.flush()
        for line in lines:
            text = line.decode("utf-8", "replace")
            self.tail.append(text)
            if self.on_line:
                self.on_line(text)
