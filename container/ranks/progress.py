"""Progress of a training, read from the log lines that MindFormers writes each step.

Two lines a step (mindformers@3354237 mindformers/core/callback/callback.py, MFLossMonitor):
`{ Epoch:[  1/  1], step:[    5/   10], loss:[6.006/6.010], per_step_time: 40ms, ...` (`loss: 6.006` in
sink mode) and ` 50.0% |█████     | 1.23456 samples/s/p  0:00:40 }`, with samples a second on each device.
c8a5808 writes one, `Epoch:[  1/  1], step:[    8/   10], loss:[6.006/6.010], time:160.123 ms, ...`, without
samples, and its time is that of all steps which the device did alone since the line before.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Callable, Optional

_NUMBER = r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|nan|inf|-inf)"
_STEP = re.compile(
    r"Epoch:\[\s*(\d+)/\s*(\d+)\], step:\[\s*(\d+)/\s*(\d+)\], loss:\s*\[?\s*"
    + _NUMBER
    + r".*?(?:per_step_time: (\d+)ms|, time:(\d+(?:\.\d+)?) ms)"
)
_RATE = re.compile(r"(\d+(?:\.\d+)?)% \|.*\| " + _NUMBER + r" samples/s/p\s+(\d+ days?, )?(\d+:\d\d:\d\d)")


@dataclass(frozen=True)
class Step:
    """Where the training is. Steps and `steps` are of one epoch; `rate` is samples a second on one device.

    `several`: `step_seconds` is of all steps since the line before.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: str
    step_seconds: float
    rate: Optional[float] = None
    left: Optional[str] = None
    several: bool = False

    @property
    def done(self) -> int:
        """Steps done in all epochs."""
        return (self.epoch - 1) * self.steps + self.step

    @property
    def total(self) -> int:
        """Steps of all epochs."""
        return self.epochs * self.steps


def read_step(line: str) -> Optional[Step]:
    """Return the step that `line` reports, or None for any other line."""
    match = _STEP.search(line)
    if not match:
        return None
    epoch, epochs, step, steps = (int(group) for group in match.group(1, 2, 3, 4))
    each, several = match.group(6, 7)
    seconds = float(each or several) / 1000
    return Step(epoch, epochs, step, steps, match.group(5), seconds, several=several is not None)


def with_rate(step: Step, line: str) -> Optional[Step]:
    """Return `step` with the rate and time left of `line`, or None if that is not the step's second line."""
    match = _RATE.search(line)
    if not match:
        return None
    return replace(step, rate=float(match.group(2)), left=f"{match.group(3) or ''}{match.group(4)}")


def say(step: Step, devices: int) -> str:
    """Return `step` as one plain line; `devices` are those of the whole job, whose rates add up."""
    percent = 100 * step.done / step.total if step.total else 0.0
    left = step.left or str(timedelta(seconds=round((step.total - step.done) * step.step_seconds)))
    rate = "" if step.rate is None else f", {step.rate * devices:.2f} samples/s on {devices} devices"
    return (
        f"progress: step {step.done}/{step.total} ({percent:.1f} %), epoch {step.epoch}/{step.epochs},"
        f" loss {step.loss}, {step.step_seconds:.3f} s a step{rate}, {left} left"
    )


class Progress:
    """Follows one rank's lines and tells at most every `interval` seconds, and the last step always."""

    def __init__(
        self,
        devices: int,
        interval: float,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = devices
        self._interval = interval
        self._tell = tell
        self._clock = clock
        self._step: Optional[Step] = None
        self._done = 0
        self._told_at: Optional[float] = None

    def line(self, line: str) -> None:
        """Take the next line of the log."""
        step = read_step(line)
        if step:
            self._flush()
            self._step = self._of_one(step)
            return
        complete = self._step and with_rate(self._step, line)
        if complete:
            self._step = complete
            self._flush()

    def finish(self) -> None:
        """Tell the last step, if its second line never came."""
        self._flush()

    def _of_one(self, step: Step) -> Optional[Step]:
        """Return `step` with the time of one step; None where nobody knows how many its time is of."""
        before, self._done = self._done, step.done
        if not step.several:
            return step
        if not 0 < before < step.done:
            return None
        return replace(step, step_seconds=step.step_seconds / (step.done - before), several=False)

    def _flush(self) -> None:
        step, self._step = self._step, None
        if step is None:
            return
        now = self._clock()
        due = self._told_at is None or now - self._told_at >= self._interval
        if due or step.done == step.total:
            self._told_at = now
            self._tell(say(step, self._devices))
