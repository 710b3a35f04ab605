"""Conversations with tools, one a line: `{"tools": [...], "conversations": [{"role", ...}, ...]}`.

The trainer's reader takes a line only if it is user, then pairs of assistant and tool, then assistant, and
goes on without the others (mindformers@3354237 toolaplaca_dataloader.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List

from pod.exit_codes import BAD_ARTIFACT, Fault
from training_data.json_lines import Record, objects
from training_data.mistakes import Mistakes

CONVERSATIONS = "conversations"
TOOLS = "tools"
TOOLS_FOLLOW = "Answer the following questions as best as you can. You have access to the following tools:\n"
FEWEST = 4
Message = Any


def read(path: Path) -> List[Record]:
    """Return the conversations of `path`; one that no trainer could read is a `Fault` (BAD_ARTIFACT)."""
    mistakes = Mistakes(path)
    found = []
    for number, record in objects(path, mistakes):
        wrong = _wrong(record)
        if wrong:
            mistakes.add(number, wrong)
        found.append(record)
    mistakes.end()
    if not found:
        raise Fault(BAD_ARTIFACT, f"{path} is empty; expected one JSON object a line")
    return found


def _wrong(record: Record) -> str:
    for key in (TOOLS, CONVERSATIONS):
        if not isinstance(record.get(key), list):
            return f"'{key}' is missing or no list; expected {{'tools': [...], 'conversations': [...]}}"
    for index, message in enumerate(record[CONVERSATIONS]):
        if not isinstance(message, dict) or message.get("role") not in (
            "user",
            "assistant",
            "tool",
            "system",
        ):
            return f"conversations[{index}] has no role; allowed are user, assistant, tool and system"
    return ""


def is_taken(record: Record) -> bool:
    """Whether the trainer's reader takes `record`."""
    messages = record[CONVERSATIONS]
    if len(messages) < FEWEST or len(messages) % 2:
        return False
    pairs = zip(messages[1:-1:2], messages[2:-1:2])
    ends = _said(messages[0], "user") and _said(messages[-1], "assistant")
    return ends and all(_said(thought, "assistant") and _used(tool) for thought, tool in pairs)


def _said(message: Message, role: str) -> bool:
    return message.get("role") == role and _text(message.get("content"))


def _used(message: Message) -> bool:
    return (
        message.get("role") == "tool"
        and _text(message.get("name"))
        and isinstance(message.get("parameters"), dict)
        and _text(message.get("observation"))
    )


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


@dataclass(frozen=True)
class Piece:
    """What one message becomes before it is cut into tokens; `learned` where the trainer takes its loss."""

    learned: bool
    metadata: str
    content: str


def pieces(record: Record) -> List[Piece]:
    """Return `record` as mindformers@3354237 multi_turn_dataset.py puts it together for ChatGLM3."""
    found = [Piece(False, "", TOOLS_FOLLOW + json.dumps(record[TOOLS], ensure_ascii=False))]
    for message in record[CONVERSATIONS]:
        if message["role"] != "tool":
            found.append(Piece(message["role"] == "assistant", "", str(message.get("content", ""))))
            continue
        values = ", ".join(f"{name}={value!r}" for name, value in message.get("parameters", {}).items())
        found.append(Piece(True, str(message.get("name", "")), f"```python\ntool_call({values})\n```"))
        found.append(Piece(False, "", _observation(message)))
    return found


def _observation(message: Message) -> str:
    value = message.get("observation")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
