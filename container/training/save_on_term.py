"""A checkpoint on SIGTERM: the step at hand is finished and saved, then the training stops.

MindSpore's own callback for that, OnRequestExit, acts only with MS_ENABLE_GRACEFUL_EXIT=1 on networks that
carry parameters for it, which MindFormers' do not; its file has no step in its name, and it loads that file
over whatever was resumed (mindspore 2.7.0 train/callback/_on_request_exit.py). So the checkpoint callback
that MindFormers has anyway is asked to save out of turn.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any, Callable, List, Optional

from pod.exit_codes import IMAGE_MISMATCH, TERMINATED, Fault
from training.options import NAME, Place

SECOND_STEP = 60.0
"""Seconds for the second step: the first one compiles and tells nothing of the rest."""

MARGIN = 5.0

log = logging.getLogger(NAME)


class StopPoint:
    """The step after which all ranks stop, agreed on by `file` on the volume that they share.

    Ranks are at most one step apart, since each step needs all of them: whoever is told first proposes two
    steps on, so that everybody has still that step before him.
    """

    def __init__(self, file: Path, place: Place) -> None:
        self._file = file
        self._alone = place.ranks == 1
        with contextlib.suppress(FileNotFoundError):
            file.unlink()

    def agree(self, step: int, stride: int) -> int:
        """Return the step to stop after for a rank that has done `step` and does `stride` steps at a time."""
        if self._alone:
            return step
        proposal = self._file.with_name(f"{self._file.name}.{os.getpid()}.{os.uname().nodename}")
        proposal.write_text(str(step + 2 * stride))
        try:
            # A link is made once, on NFS too, and its content is there at once.
            os.link(str(proposal), str(self._file))
        except FileExistsError:
            pass
        finally:
            proposal.unlink()
        return int(self._file.read_text())


class SaveOnTerm:
    """What happens after SIGTERM. `stopped` tells whether the training was ended before its time.

    Where another rank is lost, no step comes to its end any more, and nothing can be saved: a rank that has
    not come to its last step after three times its longest one ends by itself.
    """

    def __init__(self, point: StopPoint) -> None:
        self.stopped = False
        self._point = point
        self._asked = self._saving = False
        self._before = 0
        self._until: Optional[int] = None
        self._ended: Optional[float] = None
        self._longest: Optional[float] = None
        self._reader = -1

    def listen(self) -> None:
        """Take SIGTERM as a wish; for the main thread, and again when another library may have taken it."""
        signal.signal(signal.SIGTERM, self._ask)
        if self._reader < 0:
            self._reader, writer = os.pipe()
            os.set_blocking(writer, False)
            # A handler waits for the main thread, which may hang in the vendor's library; this does not.
            signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
            threading.Thread(target=self._watch, name="save-on-term", daemon=True).start()

    def step_end(self, step: int, save: Callable[[], None], stop: Callable[[], None]) -> None:
        """Save and stop after `step`, if that is the one that the ranks have agreed on."""
        stride, self._before = max(1, step - self._before), step
        self._measure(time.monotonic())
        if not self._asked or self.stopped:
            return
        if self._until is None:
            self._until = self._point.agree(step, stride)
            log.info("told to stop at step %d: saving and stopping after step %d", step, self._until)
        if step >= self._until:
            self._saving = True
            save()
            stop()
            self.stopped = True

    def _ask(self, number: int, frame: object) -> None:
        self._asked = True

    def _measure(self, now: float) -> None:
        if self._ended is not None:
            self._longest = max(self._longest or 0.0, now - self._ended)
        self._ended = now

    def _watch(self) -> None:
        while os.read(self._reader, 1) != bytes([signal.SIGTERM]):
            pass
        end = time.monotonic() + self._patience()
        while time.monotonic() < end:
            if self._saving:
                return
            time.sleep(0.1)
        log.warning("no step came to its end after SIGTERM, so nothing is saved")
        os._exit(TERMINATED)

    def _patience(self) -> float:
        """Return the seconds until the last step must have come; none, where there was no step to save."""
        if self._ended is None:
            return 0.0
        return SECOND_STEP if self._longest is None else MARGIN + 3 * self._longest


def install(saver: SaveOnTerm) -> None:
    """Have every `Model.train` of MindSpore in this process listen to `saver`."""
    try:
        from mindspore.train.callback import (  # type: ignore[import-not-found,unused-ignore]
            Callback,
            ModelCheckpoint,
        )
        from mindspore.train.model import Model  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise Fault(
            IMAGE_MISMATCH,
            f"--save-on-term needs MindSpore ({error}); use an image that has it, or leave it out",
        ) from error
    original = Model.train

    @functools.wraps(original)
    def train(
        self: object,
        epoch: int,
        train_dataset: object,
        callbacks: object = None,
        *more: object,
        **named: object,
    ) -> object:
        given = list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else []
        savers = [one for one in given if isinstance(one, ModelCheckpoint)]
        return original(
            self, epoch, train_dataset, [*given, listener(Callback, saver, savers)], *more, **named
        )

    Model.train = train


def listener(base: Any, saver: SaveOnTerm, savers: List[Any]) -> Any:  # noqa: ANN401 (MindSpore's classes)
    """Return a callback of MindSpore that tells `saver` of each step and has `savers` save."""

    def begin(_self: object, _run_context: object) -> None:
        if not savers:
            log.warning("nothing saves checkpoints here, so nothing will be saved after SIGTERM")
        saver.listen()

    def step_end(_self: object, run_context: Any) -> None:  # noqa: ANN401
        values = run_context.original_args()

        def save() -> None:
            for one in savers:
                # Without MindFormers' second file, of the weights alone: merging reads the first.
                one.save_network_params = False
                one._save_ckpt(values, True)

        saver.step_end(int(values.cur_step_num), save, run_context.request_stop)

    return type("SaveOnTermListener", (base,), {"begin": begin, "step_end": step_end})()
