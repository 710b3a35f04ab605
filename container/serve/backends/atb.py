"""ChatGLM2 on ATB (ModelLink), on one device or on several that share the model (tensor parallel).

The launcher starts serve_atb.py once a device (`launch.py --rank-env torch --kind server`). Rank 0 is the
server. It chooses every token and tells the other ranks each prompt, each token to read and each stop, so
that all compute the same steps, and a client that leaves stops every rank at the same one.
"""

from __future__ import annotations

import os
import sys
from itertools import islice
from pathlib import Path
from typing import Callable, Generator, List

from pod.exit_codes import DONE
from serve.backend import Backend, Piece, Progress, Settings
from serve.backends.atb_engine import Engine
from serve.backends.atb_follower import Follower
from serve.backends.atb_leader import Leader
from serve.backends.atb_link import Place
from serve.backends.atb_model import AtbModel
from serve.backends.atb_shared_memory import SHARED_MEMORY, remove_locks
from serve.backends.pieces import pieces
from serve.prompt import Prompt
from serve.sampling import Sampling

MakeEngine = Callable[[Settings, Place], Engine]

_TRIAL = Prompt(("1 + 1 =",), "1 + 1 =")


def atb(
    settings: Settings, make_engine: MakeEngine = AtbModel, shared_memory: Path = SHARED_MEMORY
) -> Backend:
    """Return rank 0's backend. In any other rank, follow rank 0 to its end, and end the process."""
    place = Place.of(os.environ)
    engine = make_engine(settings, place)
    if place.rank == 0:
        return AtbBackend(engine, place, shared_memory)
    Follower(place, engine).run()
    sys.stdout.flush()
    os._exit(DONE)  # the device's threads abort an interpreter that takes its own way out


class AtbBackend(Backend):
    """Serves a model that the ranks share.

    Options: `tree` (source tree of ModelLink), `precision` (`float`, the default, `w8a8` or `sparse`),
    `compressed` (for sparse), `device` (number of the first, default 0) and `work-dir` (default: a temporary
    folder). `--model-path` is what shard_weights.py made, or the weights for float on one device. One
    generation at a time.
    """

    def __init__(self, engine: Engine, place: Place, shared_memory: Path) -> None:
        self._engine = engine
        self._place = place
        self._shared_memory = shared_memory
        self._leader = Leader(place)

    def load(self, progress: Progress) -> None:
        """Load the parts of all ranks, and compute with them once."""
        progress(0.0, "waiting for the other ranks")
        if self._place.size > 1:
            remove_locks(self._shared_memory)
        self._leader.gather()
        with self._leader.collective():
            self._engine.load(progress)
        progress(0.95, "waiting for the other ranks to load")
        self._leader.wait_reports()
        self.context_length = self._engine.context_length
        progress(0.97, "computing a first answer")
        self._try()

    def count_tokens(self, prompt: Prompt) -> int:
        """Return how many tokens the prompt has."""
        return len(self._engine.vocabulary.ids(prompt))

    def generate(
        self, prompt: Prompt, sampling: Sampling, cancelled: Callable[[], bool]
    ) -> Generator[Piece, None, None]:
        """Yield the answer token by token."""
        vocabulary = self._engine.vocabulary
        tokens = self._tokens(vocabulary.ids(prompt), sampling)
        ends = vocabulary.ends(prompt.end_tokens)
        return pieces(tokens, vocabulary, ends, sampling.max_tokens, cancelled)

    def stop(self) -> None:
        """Let the other ranks end."""
        self._leader.end()

    def _try(self) -> None:
        """Read a prompt and one token, as main.py warms up before it measures.

        ATB connects the ranks when they first compute, and waits ten minutes for them (src/atb/operation/
        operation_base.cpp and src/atb/runner/hccl_runner.cpp of hicann/ascend-transformer-boost@ddcc8b62):
        a link or an ATB that does not work must end the start, not the first client's request.
        """
        tokens = self._tokens(self._engine.vocabulary.ids(_TRIAL), Sampling(max_tokens=2, temperature=0.0))
        for _ in islice(tokens, 2):
            pass
        tokens.close()
        self._leader.tell({"do": "report"})
        self._leader.wait_reports()

    def _tokens(self, ids: List[int], sampling: Sampling) -> Generator[int, None, None]:
        choose = self._engine.chooser(sampling)
        self._leader.check()
        self._leader.tell({"do": "prefill", "ids": ids})
        try:
            with self._leader.collective():
                self._engine.prefill(ids)
            for _ in range(self.context_length - len(ids)):
                token = choose()
                yield token
                self._leader.check()
                self._leader.tell({"do": "step", "token": token})
                with self._leader.collective():
                    self._engine.step(token)
        finally:
            self._leader.tell({"do": "stop"})
