"""The ranks of a training, each a `train_rank.py` as the launcher starts it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "training_program.py"
PACKAGES = HERE / "stub_mindspore"

CONFIG = {
    "load_checkpoint": "",
    "auto_trans_ckpt": True,
    "src_strategy_path_or_dir": "old",
    "runner_config": {"epochs": 1, "batch_size": 4},
    "parallel": {"parallel_mode": 1},
    "callbacks": [{"type": "MFLossMonitor"}, {"type": "CheckpointMointor", "save_checkpoint_steps": 1000}],
}


class Ranks:
    """A training of `ranks` ranks in `folder`, run after run."""

    def __init__(self, python: str, container: Path, folder: Path, ranks: int = 1) -> None:
        self.ranks, self.folder, self.output, self.meet = ranks, folder, folder / "glm-0a1b", folder / "meet"
        self.shared = False
        self.keeps_ends = False
        self.config = folder / "tree" / "run_glm.yaml"
        self.config.parent.mkdir()
        self.config.write_text(json.dumps(CONFIG))
        self._argv = [python, str(container / "train_rank.py")]

    def start(self, *flags: object, arguments: tuple[str, ...] = (), **env: str) -> list[subprocess.Popen[str]]:
        """Start one run of all ranks; `arguments` are the program's."""
        if not self.keeps_ends:
            self.forget_ends()
        shutil.rmtree(self.meet, ignore_errors=True)
        self.meet.mkdir()
        return [self._start(rank, flags, arguments, env) for rank in range(self.ranks)]

    def _start(
        self, rank: int, flags: tuple[object, ...], arguments: tuple[str, ...], env: dict[str, str]
    ) -> subprocess.Popen[str]:
        work = self.folder / "work" / ("" if self.shared else f"rank_{rank}")
        work.mkdir(parents=True, exist_ok=True)
        program = [str(PROGRAM), "--config", str(self.config), *arguments]
        place = {} if self.ranks == 1 else {"RANK_ID": str(rank), "RANK_SIZE": str(self.ranks)}
        own = {
            "PATH": os.environ["PATH"],
            "OUTPUT": str(self.output),
            "MEET": str(self.meet),
            "PYTHONPATH": str(PACKAGES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TERMINATION_MESSAGE_PATH": str(self.folder / "cause"),
        }
        return subprocess.Popen(
            [*self._argv, *map(str, ("--output", self.output, "--config", self.config, *flags, "--", *program))],
            cwd=work,
            env={**own, **place, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # As the launcher does: what has a file open is looked for among the processes of the session.
            start_new_session=True,
        )

    def run(self, *flags: object, arguments: tuple[str, ...] = (), **env: str) -> list[tuple[int, str]]:
        """Run all ranks to their end: exit code and output of each."""
        return self.finish(self.start(*flags, arguments=arguments, **env))

    def forget_ends(self) -> None:
        """Have the ranks' ends be unknown, as if each had been killed after its last step."""
        for note in self.output.glob("checkpoint/rank_*/.complete/.ended"):
            note.unlink()

    def finish(self, processes: list[subprocess.Popen[str]], number: int = 0) -> list[tuple[int, str]]:
        """Send signal `number` (0: none) to all and wait for their end."""
        ended = []
        for process in processes:
            if number:
                process.send_signal(number)
        for process in processes:
            try:
                output, _ = process.communicate(timeout=30)
            finally:
                process.kill()
            ended.append((process.returncode, output))
        return ended

    def kill(self, processes: list[subprocess.Popen[str]]) -> None:
        """End all at once, as a node does that loses power."""
        self.finish(processes, signal.SIGKILL)

    def told(self, rank: int = 0) -> dict[str, Any]:
        """What the program of `rank` was given in the last run."""
        return json.loads((self.meet / f"told_{rank}.json").read_text())

    def checkpoint(self, rank: int = 0) -> Path:
        """The folder of rank `rank`."""
        return self.output / "checkpoint" / f"rank_{rank}"

    def noted(self, rank: int = 0) -> list[str]:
        """The files of `rank` that are noted as finished."""
        return sorted(path.name for path in (self.checkpoint(rank) / ".complete").glob("*.ckpt"))

    @property
    def cause(self) -> str:
        """The termination message."""
        return (self.folder / "cause").read_text()
