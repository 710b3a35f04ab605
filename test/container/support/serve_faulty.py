"""serve_model.py with backends that fail in set ways: the first argument names the way."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "container"))

from pod.exit_codes import BAD_ARTIFACT, TRANSIENT, Fault  # noqa: E402
from serve.backend import Piece  # noqa: E402
from serve.backends.echo import EchoBackend  # noqa: E402
from serve.backends.registry import BACKENDS  # noqa: E402
from serve.main import main  # noqa: E402


class NeverLoads(EchoBackend):
    def load(self, progress):
        progress(0.5, "reading weights")
        raise RuntimeError("out of device memory")


class Exits(EchoBackend):
    def load(self, progress):
        sys.exit("no device found")


class BadArtifact(EchoBackend):
    def load(self, progress):
        raise Fault(BAD_ARTIFACT, "config.json has no 'model_type'")


class Generates(EchoBackend):
    """Does what the question says."""

    def generate(self, prompt, sampling, cancelled):
        yield Piece("first ")
        if prompt.question == "raise":
            raise RuntimeError("a secret of the backend")
        if prompt.question == "exit":
            sys.exit(1)
        if prompt.question == "die":
            raise Fault(TRANSIENT, "rank 1 ended with signal 9")
        if prompt.question == "hang":
            while not cancelled():
                time.sleep(0.01)
            return
        yield Piece("second", 2, "length" if prompt.question == "full" else "stop")


BACKENDS["never-loads"] = NeverLoads
BACKENDS["exits"] = Exits
BACKENDS["bad-artifact"] = BadArtifact
BACKENDS["generates"] = Generates

sys.exit(main())
