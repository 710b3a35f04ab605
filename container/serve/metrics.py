"""Numbers for Prometheus, in its text format 0.0.4."""

from __future__ import annotations

import threading
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple, Union

PREFIX = "chatglm_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0)
RATES = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0, 1000.0)

_Labels = Tuple[str, ...]


class Counter:
    """A number that only grows, one for each combination of labels."""

    kind = "counter"

    def __init__(self, labels: Sequence[str] = ()) -> None:
        self._labels = tuple(labels)
        self._lock = threading.Lock()
        self._values: Dict[_Labels, float] = {} if labels else {(): 0.0}

    def add(self, amount: float = 1.0, *values: str) -> None:
        """Add to the number with these label values."""
        with self._lock:
            self._values[values] = self._values.get(values, 0.0) + amount

    def samples(self) -> List[Tuple[str, str, float]]:
        """Return suffix, labels and value of every number."""
        with self._lock:
            return [("", _render(self._labels, key), value) for key, value in sorted(self._values.items())]


class Gauge:
    """A number that is asked for when it is read."""

    kind = "gauge"

    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    def samples(self) -> List[Tuple[str, str, float]]:
        """Return the number of this moment."""
        return [("", "", self._read())]


class Histogram:
    """Counts observations by upper bound."""

    kind = "histogram"

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._lock = threading.Lock()
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Take one observation."""
        index = next((at for at, bound in enumerate(self._bounds) if value <= bound), len(self._bounds))
        with self._lock:
            self._counts[index] += 1
            self._sum += value

    def mean(self, default: float) -> float:
        """Return the mean so far, or `default` before the first observation."""
        with self._lock:
            count = sum(self._counts)
            return self._sum / count if count else default

    def samples(self) -> List[Tuple[str, str, float]]:
        """Return the cumulative buckets, the sum and the count."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        rows: List[Tuple[str, str, float]] = []
        seen = 0
        for bound, count in zip([f"{bound:g}" for bound in self._bounds] + ["+Inf"], counts):
            seen += count
            rows.append(("_bucket", _render(("le",), (bound,)), float(seen)))
        return [*rows, ("_sum", "", total), ("_count", "", float(seen))]


_Metric = Union[Counter, Gauge, Histogram]


class Metrics(NamedTuple):
    """Everything that the server counts. Gauges are added when their source exists."""

    requests: Counter
    cancelled: Counter
    prompt_tokens: Counter
    completion_tokens: Counter
    first_token: Histogram
    duration: Histogram
    rate: Histogram
    gauges: Dict[str, Tuple[Gauge, str]]

    def render(self) -> str:
        """Return the whole page."""
        rows: List[str] = []
        for name, (metric, meaning) in {**self._counted(), **self.gauges}.items():
            rows += [f"# HELP {PREFIX}{name} {meaning}", f"# TYPE {PREFIX}{name} {metric.kind}"]
            rows += [f"{PREFIX}{name}{end}{labels} {value:.10g}" for end, labels, value in metric.samples()]
        return "\n".join(rows) + "\n"

    def _counted(self) -> Dict[str, Tuple[_Metric, str]]:
        return {
            "requests_total": (
                self.requests,
                "Answered requests by route and HTTP status (499: the client left).",
            ),
            "cancelled_total": (self.cancelled, "Generations that were stopped early, by cause."),
            "prompt_tokens_total": (self.prompt_tokens, "Tokens of the prompts that were accepted."),
            "completion_tokens_total": (self.completion_tokens, "Tokens that were generated."),
            "time_to_first_token_seconds": (
                self.first_token,
                "From the request to its first token, queue included.",
            ),
            "generation_seconds": (self.duration, "Time of a generation on the model, without the queue."),
            "tokens_per_second": (self.rate, "Rate of one generation after its first token."),
        }


def new_metrics() -> Metrics:
    """Return metrics with nothing counted."""
    return Metrics(
        requests=Counter(("route", "code")),
        cancelled=Counter(("cause",)),
        prompt_tokens=Counter(),
        completion_tokens=Counter(),
        first_token=Histogram(SECONDS),
        duration=Histogram(SECONDS),
        rate=Histogram(RATES),
        gauges={},
    )


def _render(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in zip(names, values))
    return f"{{{pairs}}}" if pairs else ""
