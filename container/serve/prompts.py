"""Each generation's own prompt format: how a conversation becomes what a model reads.

Sources: chatglm: greensheng/chatglm-6b@0564795 modeling_chatglm.py (`chat`); chatglm2: the `build_prompt`
of its tokenization_chatglm.py, system text as in THUDM/ChatGLM2-6B@12d8200 openai_api.py; chatglm3:
THUDM/ChatGLM3@60012cf basic_demo/checkpoint-3000-chat/tokenization_chatglm.py, tools as in @1cabc7e
openai_api_demo/utils.py and @1d2746a PROMPT_en.md; glm4: the chat template of glm-4-9b-chat's
tokenizer_config.json, the end tokens as in THUDM/GLM-4@11e244c basic_demo/openai_api_server.py.
"""

from __future__ import annotations

import json
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from serve.messages import Message, Tool, ToolCall
from serve.prompt import Prompt, Special

_CHATGLM3_TOOLS = "Answer the following questions as best as you can. You have access to the following tools:"
_GLM4_SYSTEM = (
    "你是一个名为 GLM-4 的人工智能助手。你是基于智谱AI训练的语言模型 GLM-4 模型开发的，"
    "你的任务是针对用户的问题和要求提供适当的答复和支持。"
)
_ROLE_ENDS = ("<|user|>", "<|observation|>")


class PromptError(Exception):
    """The conversation has no form in this generation's format."""


class Family(NamedTuple):
    """One generation: its format, and what its own `chat` samples with unless told otherwise.

    `chat` takes the messages, the tools and the name of the one tool that must be called. `complete` takes
    plain text.
    """

    chat: Callable[[Sequence[Message], Sequence[Tool], Optional[str]], Prompt]
    complete: Callable[[str], Prompt]
    temperature: float
    top_p: float
    has_tools: bool


def _rounds(messages: Sequence[Message]) -> Tuple[List[Tuple[str, str]], str]:
    """Return the question and answer of past rounds, and the question now."""
    system = "\n".join(message.content for message in messages if message.role == "system")
    history: List[Tuple[str, str]] = []
    question: List[str] = []
    for message in messages:
        if message.role == "tool" or message.tool_calls:
            raise PromptError("this generation has no format for tools: chatglm3 and glm4 have")
        if message.role == "user":
            question.append(message.content)
        elif message.role == "assistant":
            history.append(("\n".join(question), message.content))
            question = []
    return history, "\n".join([system, *question] if system else question)


def _chatglm_chat(messages: Sequence[Message], tools: Sequence[Tool], forced: Optional[str]) -> Prompt:
    history, question = _rounds(messages)
    text = question
    if history:
        rounds = [
            f"[Round {index}]\n问：{asked}\n答：{said}\n" for index, (asked, said) in enumerate(history)
        ]
        text = "".join([*rounds, f"[Round {len(history)}]\n问：{question}\n答："])
    return _chatglm(text, messages[-1].content)


def _chatglm_complete(text: str) -> Prompt:
    return _chatglm(text, text)


def _chatglm(text: str, question: str) -> Prompt:
    return Prompt((text, Special("[gMASK]"), Special("<sop>")), question)


def _chatglm2_chat(messages: Sequence[Message], tools: Sequence[Tool], forced: Optional[str]) -> Prompt:
    history, question = _rounds(messages)
    rounds = [
        f"[Round {index}]\n\n问：{asked}\n\n答：{said}\n\n" for index, (asked, said) in enumerate(history, 1)
    ]
    text = "".join([*rounds, f"[Round {len(history) + 1}]\n\n问：{question}\n\n答："])
    return Prompt((Special("[gMASK]"), Special("sop"), text), messages[-1].content)


def _chatglm2_complete(text: str) -> Prompt:
    return Prompt((Special("[gMASK]"), Special("sop"), text), text)


def _turn(role: str, metadata: str, content: str) -> List[str]:
    return [Special(f"<|{role}|>"), f"{metadata}\n", content]


def _role_turns(messages: Sequence[Message], call: Callable[[ToolCall], str]) -> List[str]:
    parts: List[str] = []
    for message in messages:
        role = "observation" if message.role == "tool" else message.role
        if message.content or not message.tool_calls:
            parts += _turn(role, "", message.content)
        for each in message.tool_calls:
            parts += _turn("assistant", each.name, call(each))
    return parts


def _answer(forced: Optional[str]) -> List[str]:
    return [Special("<|assistant|>"), f"{forced}\n"] if forced else [Special("<|assistant|>")]


def _with_system(messages: Sequence[Message], addition: str) -> List[Message]:
    """Return the messages with one system message in front that ends with `addition`."""
    given = [message.content for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    return [Message("system", "\n".join([*given, addition])), *rest]


def _chatglm3_call(call: ToolCall) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in call.arguments.items())
    return f"```python\ntool_call({arguments})\n```"


def _chatglm3_chat(messages: Sequence[Message], tools: Sequence[Tool], forced: Optional[str]) -> Prompt:
    if tools:
        listed = json.dumps([tool.definition for tool in tools], indent=4, ensure_ascii=False)
        messages = _with_system(messages, f"{_CHATGLM3_TOOLS}\n{listed}")
    turns = _role_turns(messages, _chatglm3_call)
    parts = (Special("[gMASK]"), Special("sop"), *turns, *_answer(forced))
    return Prompt(parts, messages[-1].content, _ROLE_ENDS)


def _chatglm3_complete(text: str) -> Prompt:
    return Prompt((Special("[gMASK]"), Special("sop"), text), text, _ROLE_ENDS)


def _glm4_call(call: ToolCall) -> str:
    return json.dumps(call.arguments, ensure_ascii=False)


def _glm4_tools(tools: Sequence[Tool]) -> str:
    sections = [
        f"\n\n## {tool.name}\n\n{json.dumps(tool.definition, indent=4, ensure_ascii=False)}"
        "\n在调用上述函数时，请使用 Json 格式表示调用的参数。"
        for tool in tools
    ]
    return "".join([f"{_GLM4_SYSTEM}\n\n# 可用工具", *sections])


def _glm4_chat(messages: Sequence[Message], tools: Sequence[Tool], forced: Optional[str]) -> Prompt:
    if tools:
        messages = _with_system(messages, _glm4_tools(tools))
    turns = _role_turns(messages, _glm4_call)
    parts = (Special("[gMASK]"), Special("<sop>"), *turns, *_answer(forced))
    return Prompt(parts, messages[-1].content, _ROLE_ENDS)


def _glm4_complete(text: str) -> Prompt:
    return Prompt((Special("[gMASK]"), Special("<sop>"), text), text, _ROLE_ENDS)


FAMILIES: Dict[str, Family] = {
    "chatglm": Family(_chatglm_chat, _chatglm_complete, 0.95, 0.7, has_tools=False),
    "chatglm2": Family(_chatglm2_chat, _chatglm2_complete, 0.95, 0.7, has_tools=False),
    "chatglm3": Family(_chatglm3_chat, _chatglm3_complete, 0.8, 0.8, has_tools=True),
    "glm4": Family(_glm4_chat, _glm4_complete, 0.8, 0.8, has_tools=True),
}
"""By the name that `--model-family` takes; sampling as in each one's `chat` or generation_config.json."""
