"""serve_atb.py with an `atb` backend whose ranks have no device but must compute together, as real ones do.

Each step of each rank waits until all ranks have called the same step: on another one, or on one rank less,
it waits for ever, as a collective of the devices does. FOLDER has one log of steps a rank, and `shm`.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "container"))

from pod.exit_codes import BAD_ARTIFACT, Fault
from serve.backends.atb import atb
from serve.backends.atb_engine import Engine
from serve.backends.registry import BACKENDS
from serve.main import main

END = 0


class Words:
    """A vocabulary of as many tokens as anybody asks for."""

    def ids(self, prompt):
        return [int(hashlib.sha256(part.encode()).hexdigest()[:6], 16) for part in prompt.text.split()] or [1]

    def ends(self, names):
        return {END}

    def text(self, ids):
        return "".join(f"w{each} " for each in ids)


class Together(Engine):
    """Steps that end when every rank has begun them: each leaves a file, and waits for the others'."""

    vocabulary = Words()
    context_length = 4096

    def __init__(self, settings, place):
        self._place = place
        self._folder = Path(settings.options["folder"])
        self._seconds = float(settings.options.get("step-seconds", "0.01"))
        self._count = 0
        self._limit = END
        self._log = (self._folder / f"rank-{place.rank}.log").open("a")

    def load(self, progress):
        time.sleep(float(os.environ.get(f"LOAD_SECONDS_{self._place.rank}", "0")))
        if os.environ.get("BAD_RANK") == str(self._place.rank):
            raise Fault(BAD_ARTIFACT, "shards are without pytorch_model.bin")
        self._together("load")

    def prefill(self, ids):
        self._read = 0
        self._together(f"prefill {ids}")

    def step(self, token):
        self._together(f"step {token}")
        if os.environ.get("RAISING_RANK") == str(self._place.rank) and token >= int(os.environ["RAISING_TOKEN"]):
            raise RuntimeError("out of device memory")

    def chooser(self, sampling):
        def choose():
            self._read += 1
            return self._read

        return choose

    def _together(self, what):
        time.sleep(self._seconds)
        self._log.write(what + "\n")
        self._log.flush()
        self._count += 1
        name = hashlib.sha256(what.encode()).hexdigest()[:12]
        for rank in (self._place.rank, *range(self._place.size)):
            path = self._folder / f"step-{self._count}-{name}-{rank}"
            if rank == self._place.rank:
                path.touch()
            while not path.exists():
                time.sleep(0.001)


BACKENDS["atb"] = lambda settings: atb(settings, Together, Path(settings.options["folder"]) / "shm")

if __name__ == "__main__":
    sys.exit(main())
