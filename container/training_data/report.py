"""What is known of a data set once it is prepared: `report.json` beside it, and a table for the log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional

from training_data.lengths import PERCENTILES, Length, rows, to_choose

FILE = "report.json"


@dataclass(frozen=True)
class Report:
    """Counts of examples by name, what was asked for, and the lengths if a tokenizer was given."""

    counts: Dict[str, int]
    settings: Dict[str, Any]
    family: Optional[str] = None
    lengths: List[Length] = field(default_factory=list)
    paired: bool = True

    @property
    def _choice(self) -> Dict[str, int]:
        return to_choose(self.lengths, self.paired) if self.lengths else {}

    def text(self) -> str:
        """Return the JSON, in the form of every task's result."""
        value = {
            "version": 1,
            "kind": "dataset",
            "model": self.family or "",
            "metrics": {**self.counts, **self._choice},
            "settings": self.settings,
            "rows": rows(self.lengths) if self.lengths else [],
        }
        return json.dumps(value, ensure_ascii=False, indent=1) + "\n"

    def lines(self) -> List[str]:
        """Return what an operator wants to read."""
        found = [", ".join(f"{count} {name}" for name, count in self.counts.items())]
        if not self.lengths:
            return found
        found.append("tokens  " + "".join(f"{f'p{percent}':>8}" for percent in PERCENTILES))
        for row in rows(self.lengths):
            found.append(f"{row['part']:<8}" + "".join(f"{row[f'p{percent}']:>8}" for percent in PERCENTILES))
        choice = ", ".join(f"{name} {length}" for name, length in self._choice.items())
        return [*found, f"to choose: {choice}"]
