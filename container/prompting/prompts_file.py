"""The file of prompts: a JSON list of conversations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List, Sequence, Tuple

from pod.exit_codes import BAD_SETTING, NOT_FOUND, Fault
from serve.messages import Message

Conversation = Tuple[Message, ...]

_ROLES = ("system", "user", "assistant")
_FORM = "a list of questions, or of objects with 'messages' that each have 'role' and 'content'"


def read_prompts(path: Path) -> List[Conversation]:
    """Return the conversations of a JSON file: each is a text, or `{"messages": [{"role", "content"}...]}`.

    Roles are system, user and assistant; the last message comes from the user. A user's message that is
    followed by another one is a question of its own, asked with the history so far.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Fault(NOT_FOUND, f"there is no file of prompts at {path}") from None
    except ValueError as error:
        raise Fault(BAD_SETTING, f"{path} is no JSON in UTF-8: {error}") from None
    if not isinstance(found, list) or not found:
        raise Fault(BAD_SETTING, f"{path} must hold {_FORM}")
    return [_conversation(each, f"{path}: entry {index}") for index, each in enumerate(found)]


def _conversation(found: object, where: str) -> Conversation:
    given = [{"role": "user", "content": found}] if isinstance(found, str) else _messages(found, where)
    messages = tuple(_message(each, f"{where}, message {index}") for index, each in enumerate(given))
    if messages[-1].role != "user":
        raise Fault(
            BAD_SETTING, f"{where}: the last message is of '{messages[-1].role}': it must be of the user"
        )
    return messages


def _messages(found: object, where: str) -> Sequence[object]:
    messages = found.get("messages") if isinstance(found, dict) else None
    if not isinstance(messages, list) or not messages:
        raise Fault(BAD_SETTING, f"{where} is not understood: a file of prompts holds {_FORM}")
    return messages


def _message(found: object, where: str) -> Message:
    role = found.get("role") if isinstance(found, dict) else None
    content = found.get("content") if isinstance(found, dict) else None
    if role not in _ROLES:
        raise Fault(BAD_SETTING, f"{where}: 'role' is {role!r}: it must be one of {', '.join(_ROLES)}")
    if not isinstance(content, str) or not content.strip():
        raise Fault(BAD_SETTING, f"{where}: 'content' is {content!r}: it must be a text that is not empty")
    return Message(str(role), content)
