"""POST /v1/chat/completions."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Optional, Tuple

from serve.errors import ApiError
from serve.fields import Fields
from serve.form import Choice, Form
from serve.json_body import parse_object
from serve.messages import Tool, read_messages, read_tools
from serve.model import Model, refuse_unsupported
from serve.prompt import Prompt
from serve.prompts import PromptError
from serve.replies import Call, Content, Part, Reply
from serve.respond import respond
from serve.wire.exchange import Exchange


class _Tools(NamedTuple):
    """Which tools the model may use, and the one that it must, if any."""

    usable: Tuple[Tool, ...]
    forced: Optional[str]


class ChatForm(Form):
    """The objects of a chat completion."""

    prefix = "chatcmpl-"
    whole_object = "chat.completion"
    chunk_object = "chat.completion.chunk"

    def __init__(self, tools: _Tools, identity: str) -> None:
        self._reply = Reply([tool.name for tool in tools.usable], tools.forced)
        self._identity = identity
        self._contents: List[str] = []
        self._calls: List[Call] = []

    def opening(self) -> List[Choice]:
        """Return the chunk that names the role."""
        return [{"delta": {"role": "assistant", "content": ""}}]

    def feed(self, text: str) -> Iterator[Choice]:
        """Return chunks for the next text."""
        return map(self._delta, self._reply.feed(text))

    def finish(self) -> Iterator[Choice]:
        """Return chunks for the end of the text."""
        return map(self._delta, self._reply.finish())

    def finish_reason(self, reason: str) -> str:
        """Return OpenAI's name for how the answer ended."""
        return "tool_calls" if self._calls and reason == "stop" else reason

    def closing(self) -> Choice:
        """Return no text."""
        return {"delta": {}}

    def whole(self) -> Choice:
        """Return the message."""
        message: Choice = {"role": "assistant", "content": "".join(self._contents)}
        if self._calls:
            message["content"] = message["content"] or None
            message["tool_calls"] = [self._call(index, call) for index, call in enumerate(self._calls)]
        return {"message": message}

    def _delta(self, part: Part) -> Choice:
        if isinstance(part, Content):
            self._contents.append(part.text)
            return {"delta": {"content": part.text}}
        self._calls.append(part)
        index = len(self._calls) - 1
        return {"delta": {"tool_calls": [{"index": index, **self._call(index, part)}]}}

    def _call(self, index: int, call: Call) -> Choice:
        function = {"name": call.name, "arguments": call.arguments}
        return {"id": f"call_{self._identity}_{index}", "type": "function", "function": function}


def chat(exchange: Exchange, model: Model) -> None:
    """Answer a conversation."""
    fields = Fields(parse_object(exchange.read_body()))
    model.require_name(fields)
    refuse_unsupported(fields)
    tools = _tools(fields, model)
    prompt = _prompt(fields, model, tools)
    limit = fields.integer("max_completion_tokens", 1) or fields.integer("max_tokens", 1)
    respond(exchange, model, fields, prompt, limit, ChatForm(tools, exchange.identity))


def _prompt(fields: Fields, model: Model, tools: _Tools) -> Prompt:
    try:
        return model.family.chat(read_messages(fields), tools.usable, tools.forced)
    except PromptError as error:
        raise ApiError(400, str(error), code="unsupported_message", param="messages") from None


def _tools(fields: Fields, model: Model) -> _Tools:
    tools = read_tools(fields)
    choice = fields.value("tool_choice")
    if not tools or choice == "none":
        return _Tools((), None)
    if not model.family.has_tools:
        raise fields.wrong(
            "tools", f"are not known to the family {model.family_name}: chatglm3 and glm4 have them"
        )
    if choice in (None, "auto"):
        return _Tools(tools, None)
    name = _forced(fields, tools)
    chosen = tuple(tool for tool in tools if tool.name == name)
    if not chosen:
        raise fields.wrong(
            "tool_choice", "must be 'none', 'auto', 'required' (with one tool), or name one of the tools"
        )
    return _Tools(chosen, name)


def _forced(fields: Fields, tools: Tuple[Tool, ...]) -> Optional[str]:
    if fields.value("tool_choice") == "required":
        return tools[0].name if len(tools) == 1 else None
    choice = fields.child("tool_choice")
    function = choice.child("function") if choice else None
    return function.text("name") if function else None
