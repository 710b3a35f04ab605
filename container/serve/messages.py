"""A conversation in OpenAI's terms, checked."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from serve.errors import ApiError
from serve.fields import Fields
from serve.json_body import parse_object

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


class ToolCall(NamedTuple):
    """A function that the model called; the arguments are a JSON object."""

    name: str
    arguments: Dict[str, object]


class Message(NamedTuple):
    """One turn. `role` is system, user, assistant or tool."""

    role: str
    content: str
    tool_calls: Tuple[ToolCall, ...] = ()


class Tool(NamedTuple):
    """A function that the model may call, as OpenAI's `function` object describes it."""

    name: str
    definition: Dict[str, object]


def read_messages(fields: Fields) -> Tuple[Message, ...]:
    """Return the `messages` of a request."""
    messages = tuple(_message(each) for each in fields.children("messages"))
    if not messages:
        raise fields.wrong("messages", "is missing or empty")
    if messages[-1].role not in ("user", "tool"):
        raise fields.wrong(
            f"messages[{len(messages) - 1}].role",
            f"is '{messages[-1].role}': the last message must come from the user or a tool",
        )
    return messages


def read_tools(fields: Fields) -> Tuple[Tool, ...]:
    """Return the `tools` that may be used."""
    tools = tuple(_tool(each) for each in fields.children("tools"))
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise fields.wrong("tools", f"has the function '{twice}' twice")
    return tools


def _message(fields: Fields) -> Message:
    role = fields.required_text("role")
    if role not in ROLES:
        raise fields.wrong("role", f"is '{role[:40]}': it must be one of {', '.join(ROLES)}")
    calls = tuple(_tool_call(each) for each in fields.children("tool_calls"))
    if calls and role != "assistant":
        raise fields.wrong("tool_calls", "is only for messages of the assistant")
    content = _content(fields)
    if content is None and not calls:
        raise fields.wrong("content", "is missing")
    return Message(ROLES[role], content or "", calls)


def _content(fields: Fields) -> Optional[str]:
    if not isinstance(fields.value("content"), list):
        return fields.text("content")
    parts: List[str] = []
    for part in fields.children("content"):
        kind = part.required_text("type")
        if kind != "text":
            raise part.wrong("type", f"is '{kind[:40]}': this model reads text only")
        parts.append(part.required_text("text"))
    return "".join(parts)


def _tool_call(fields: Fields) -> ToolCall:
    function = fields.child("function")
    if function is None:
        raise fields.wrong("function", "is missing")
    text = function.required_text("arguments")
    try:
        arguments = parse_object(text.encode("utf-8"))
    except ApiError:
        raise function.wrong("arguments", "is not the text of a JSON object") from None
    return ToolCall(_function_name(function), arguments)


def _tool(fields: Fields) -> Tool:
    kind = fields.required_text("type")
    function = fields.child("function")
    if kind != "function" or function is None:
        raise fields.wrong(
            "type", f"is '{kind[:40]}': only tools of the type 'function' with a 'function' are understood"
        )
    return Tool(_function_name(function), function.raw())


def _function_name(function: Fields) -> str:
    name = function.required_text("name")
    if not (0 < len(name) <= 64 and all(char.isalnum() or char in "_-." for char in name)):
        raise function.wrong("name", "must have 1 to 64 letters, digits, '_', '-' and '.'")
    return name
