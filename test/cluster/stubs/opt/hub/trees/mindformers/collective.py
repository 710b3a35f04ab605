"""Steps that need every rank, as the operators between devices do: who is missing leaves the others hanging.

Ranks meet at a socket in the output folder, which all of them share.
"""

import contextlib
import os
import socket
import time

LIMIT_SECONDS = 120
FOR_EVER = 3600


class Collective:
    """The ranks of one run, of which rank 0 hears all others."""

    def __init__(self, folder, rank, size):
        self._path = os.path.join(folder, ".ranks")
        self._streams = [] if size == 1 else self._gather(size - 1) if rank == 0 else [self._join()]
        self._leads = rank == 0

    def reach(self, number):
        """Return when every rank has come to step `number`."""
        line = f"{number}\n"
        try:
            if not self._leads:
                self._say(line)
            if [stream.readline() for stream in self._streams] != [line] * len(self._streams):
                raise OSError("a rank is gone")
            if self._leads:
                self._say(line)
        except OSError:
            time.sleep(FOR_EVER)

    def end(self):
        """Leave nothing behind."""
        if self._leads:
            _remove(self._path)

    def _gather(self, others):
        _remove(self._path)
        with socket.socket(socket.AF_UNIX) as server:
            server.settimeout(LIMIT_SECONDS)
            server.bind(self._path)
            server.listen(others)
            streams = [server.accept()[0].makefile("rw") for _ in range(others)]
        self._streams = streams
        self._say("all are here\n")
        return streams

    def _join(self):
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            with contextlib.suppress(OSError):
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(self._path)
                stream = connection.makefile("rw")
                if stream.readline() == "all are here\n":
                    return stream
            if time.monotonic() > end:
                raise RuntimeError("rank 0 was not there in time")
            time.sleep(0.2)

    def _say(self, line):
        for stream in self._streams:
            stream.write(line)
            stream.flush()


def _remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)
