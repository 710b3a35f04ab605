"""Fixtures of the suites that run the vendors' real packages; each has an environment of its own (run.sh)."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Sequence

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CONTAINER = ROOT / "container"
sys.path[:0] = [str(CONTAINER), str(HERE)]

OUTPUT = tempfile.TemporaryDirectory()
os.environ.setdefault("LOG_MF_PATH", OUTPUT.name)  # else MindFormers leaves its logs here


class Programs:
    """Runs programs with this environment's Python, the way a pod does; what they print is shown when they fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.message = folder / "termination"
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": str(HERE / "cpu"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERMINATION_MESSAGE_PATH": str(self.message),
            "OMP_NUM_THREADS": "1",
        }

    def run(self, program: object, *arguments: object, code: int = 0, **environment: str) -> str:
        """Run the Python `program` (a name is one of container/) in the folder; return its output, check its end."""
        path = program if isinstance(program, Path) else CONTAINER / f"{program}.py"
        done = subprocess.run(
            [sys.executable, str(path), *map(str, arguments)],
            env={**self.environment, **environment},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            check=False,
        )
        assert done.returncode == code, f"{path.name} ended with {done.returncode}:\n{done.stdout[-8000:]}"
        return done.stdout

    def here(self, main: Callable[[Sequence[str]], int], *arguments: object, code: int = 0) -> None:
        """Run the `main` of a script in this process, whose imports are done: MindSpore's take seconds."""
        ended = main([*map(str, arguments)])
        assert ended == code, f"ended with {ended}: {self.cause if self.message.exists() else ''}"

    @property
    def cause(self) -> str:
        """The termination message of the program that ran last."""
        return self.message.read_text(encoding="utf-8")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Return programs in a folder of their own, which is this process's working directory too."""
    found = Programs(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TERMINATION_MESSAGE_PATH", str(found.message))
    return found


@pytest.fixture(scope="session")
def session_programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("session"))
