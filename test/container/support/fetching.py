"""fetch_weights.py as a process, against a local server, with what its outcome has to be."""

from __future__ import annotations

import subprocess
from pathlib import Path

from artifacts import marker

from support.script import Script

QUICK = ["--retry-delay", "0.02", "--lease-heartbeat", "0.2", "--lease-takeover", "30", "--chunk-size", "65536"]


class Fetching:
    """Runs the script for one target."""

    def __init__(self, script: Script, folder: Path) -> None:
        self._script = script
        self.target = folder / "volume" / "chatglm3-6b-0a1b2c"

    def arguments(self, *sources: str, options: tuple[object, ...] = ()) -> list[object]:
        identity = ["--target", self.target, "--name", "chatglm3-6b", "--lineage", "0a1b2c", "--format", "huggingface"]
        given = [part for source in sources for part in ("--source", source)]
        return [*identity, *QUICK, *given, *options]

    def run(self, *sources: str, options: tuple[object, ...] = (), **environment: str) -> tuple[int, str]:
        return self._script.run(*self.arguments(*sources, options=options), **environment)

    def start(self, *sources: str, options: tuple[object, ...] = (), **environment: str) -> subprocess.Popen[str]:
        return self._script.start(*self.arguments(*sources, options=options), **environment)

    @property
    def cause(self) -> str:
        return self._script.cause

    def expect(self, files: dict[str, bytes]) -> None:
        """Check that the target has exactly `files`, the marker says so, and nothing is left beside it."""
        found = {
            path.relative_to(self.target).as_posix(): path.read_bytes()
            for path in self.target.rglob("*")
            if path.is_file() and path.name != marker.MARKER_NAME
        }
        assert sorted(found) == sorted(files)
        assert [name for name in files if found[name] != files[name]] == []
        written = marker.read(self.target)
        assert written is not None
        assert {file.path: file.size for file in written.files} == {name: len(data) for name, data in files.items()}
        record = f"{self.target.name}.first-use.json"
        assert {path.name for path in self.target.parent.iterdir()} - {record} == {self.target.name}

    def expect_nothing(self) -> None:
        """Check that no reader could take what is there for an artifact."""
        assert not self.target.exists()
