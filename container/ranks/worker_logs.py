"""The files that msrun has its workers write, shown on our output as they grow."""

from __future__ import annotations

from pathlib import Path
from typing import Collection, Dict, Iterable

from ranks.output import Output

CHUNK = 1024 * 1024

SCHEDULER = "scheduler"


class WorkerLogs:
    """The logs `<name>.log` of `names` in `folder`."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._folder = folder
        self._read: Dict[str, int] = {}
        self.outputs: Dict[str, Output] = {}
        for name in names:
            self.outputs[name] = Output(name.replace("_", " "), None)
            self._read[name] = 0

    def set_aside(self) -> None:
        """Rename what an earlier run left, of which nothing is to be shown."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in self.outputs:
            path = self._path(name)
            if path.is_file():
                path.replace(path.with_name(f"{name}.previous.log"))

    def show(self, names: Collection[str]) -> bool:
        """Show what is new in the logs of `names`, 1 MiB each; whether there was any."""
        return sum(self._show(name) for name in self.outputs if name in names) > 0

    def close(self) -> None:
        """Show all that is left."""
        while self.show(self.outputs):
            pass
        for output in self.outputs.values():
            output.close()

    def first_silent(self) -> str:
        """Return the name of the worker's log whose last line is the oldest, '' if there is no log."""
        times = {
            name: self._path(name).stat().st_mtime
            for name in self.outputs
            if name != SCHEDULER and self._path(name).is_file()
        }
        return min(times, key=lambda name: times[name], default="")

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _show(self, name: str) -> bool:
        try:
            with self._path(name).open("rb") as file:
                file.seek(self._read[name])
                data = file.read(CHUNK)
        except FileNotFoundError:
            return False
        self._read[name] += len(data)
        self.outputs[name].feed(data)
        return bool(data)
