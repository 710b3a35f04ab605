"""Where the metrics of an evaluation are read: in what its program says, or in a file that it writes."""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Dict, Optional, Sequence

from pod.exit_codes import BAD_ARTIFACT, BAD_SETTING, Fault


class MetricSource(ABC):
    """Is given every line that the program says, and knows the metrics at the end."""

    names: Optional[Sequence[str]] = None
    """The metrics, where they are known beforehand."""

    @abstractmethod
    def line(self, text: str) -> None:
        """Take the next line of the program."""

    @abstractmethod
    def metrics(self) -> Dict[str, float]:
        """Return what was measured; `Fault` (BAD_ARTIFACT) if nothing was."""


class MindFormersLog(MetricSource):
    """The block of four lines that follows `metric: ADGENMetric` or `metric: Text Generation Metric`.

    Sources: mindformers@3354237 mindformers/core/metric/metric.py (printed), mindformers@c8a5808
    mindformers/trainer/causal_language_modeling/causal_language_modeling.py (logged). Only lines after the
    heading count: the answers of the model are printed too, and may say anything. The last block counts.
    """

    names = ("bleu-4", "rouge-1", "rouge-2", "rouge-l")
    _HEADING = re.compile(r"\bmetric: \w[\w ]*$")
    _SCORE = re.compile(r"(?:^|\s)(rouge-[12l]|bleu-4):\s+(\S+)\s*$")

    def __init__(self) -> None:
        self._in_block = False
        self._found: Dict[str, float] = {}

    def line(self, text: str) -> None:
        """Look for the heading, then for scores."""
        if self._HEADING.search(text):
            self._in_block, self._found = True, {}
            return
        score = self._SCORE.search(text) if self._in_block else None
        if score:
            self._found[score.group(1)] = _number(score.group(2))
        self._in_block = self._in_block and len(self._found) < len(self.names)

    def metrics(self) -> Dict[str, float]:
        """Return the four scores, in percent."""
        missing = [name for name in self.names if name not in self._found]
        if missing:
            raise Fault(BAD_ARTIFACT, f"the evaluation ended well but did not say {', '.join(missing)}")
        empty = [name for name, value in self._found.items() if math.isnan(value)]
        if empty:
            raise Fault(
                BAD_ARTIFACT, f"the evaluation gave no number for {', '.join(empty)}: every answer was empty"
            )
        return {name: self._found[name] for name in self.names}


class CEvalLog(MetricSource):
    """The accuracy over all questions, and of each subject.

    Source: ModelLink@839b2483 mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b/main.py, which
    says `<path>/val/<category>/<subject>.jsonl <accuracy>` and `acc_total = <accuracy>`.
    """

    _SUBJECT = re.compile(r"(?:^|/)val/(\S+)\.jsonl (\d\S*)\s*$")
    _TOTAL = re.compile(r"\bacc_total = (\S+)\s*$")

    def __init__(self) -> None:
        self._subjects: Dict[str, float] = {}
        self._total: Optional[float] = None

    def line(self, text: str) -> None:
        """Look for a subject's accuracy, or the whole."""
        subject, total = self._SUBJECT.search(text), self._TOTAL.search(text)
        if subject:
            self._subjects[f"accuracy/{subject.group(1)}"] = _number(subject.group(2))
        elif total:
            self._total = _number(total.group(1))

    def metrics(self) -> Dict[str, float]:
        """Return `accuracy` and `accuracy/<category>/<subject>`, from 0 to 1."""
        if self._total is None or math.isnan(self._total):
            raise Fault(BAD_ARTIFACT, "the evaluation ended well but did not say acc_total")
        return {"accuracy": self._total, **self._subjects}


class JsonFile(MetricSource):
    """A file that the program writes: one JSON object of names and numbers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.is_file():
            path.unlink()  # from a run that was cut off

    def line(self, text: str) -> None:
        """Pass over what the program says."""

    def metrics(self) -> Dict[str, float]:
        """Return what the file holds."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Fault(BAD_ARTIFACT, f"the evaluation ended well but wrote no {self._path}") from None
        except ValueError as error:
            raise Fault(BAD_ARTIFACT, f"{self._path} is no JSON: {error}") from None
        wrong = [] if isinstance(found, dict) and found else ["an object of names and numbers"]
        wrong += (
            []
            if wrong
            else [f"a number for '{name}'" for name, value in found.items() if not _is_number(value)]
        )
        if wrong:
            raise Fault(BAD_ARTIFACT, f"{self._path} does not hold {wrong[0]}")
        return {str(name): float(value) for name, value in found.items()}


def metric_source(text: str, output: Path) -> MetricSource:
    """Return the source that `--metrics` names; a file is looked for in `output`."""
    kind, separator, name = text.partition(":")
    if kind == "json" and name:
        return JsonFile(output / name)
    if not separator and kind in ("mindformers", "ceval"):
        return MindFormersLog() if kind == "mindformers" else CEvalLog()
    raise Fault(BAD_SETTING, f"--metrics is '{text}': it must be mindformers, ceval or json:FILE")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
