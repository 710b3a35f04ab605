"""ToolAlpaca's own file as conversations.

The result is that of ChatGLM3@7cd5bc78 finetune_chatmodel_demo/scripts/format_tool_alpaca.py: one
conversation for each instance that has its answer and whose steps can be read, in the file's order; the
others are counted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

from pod.exit_codes import BAD_ARTIFACT, Fault
from training_data.json_lines import Record

ACTION = "Action:"
"""What a step's text names after the thought."""

UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def read(path: Path) -> Tuple[List[Record], int]:
    """Return the conversations of `path` and how many instances were left out."""
    found: List[Record] = []
    left_out = 0
    for number, api in enumerate(_apis(path)):
        tools, instances = _api(path, number, api)
        for instance in instances:
            try:
                found.append({"tools": tools, "conversations": _conversation(instance)})
            except UNREADABLE:
                left_out += 1
    if not found:
        raise Fault(BAD_ARTIFACT, f"{path} holds no instance with an answer; {left_out} without")
    return found, left_out


def _apis(path: Path) -> List[Any]:
    if not path.is_file():
        raise Fault(BAD_ARTIFACT, f"{path} is not there")
    try:
        apis = json.loads(path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Fault(BAD_ARTIFACT, f"{path} is not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise Fault(BAD_ARTIFACT, f"{path}:{error.lineno}: not JSON ({error})") from error
    if not isinstance(apis, list):
        raise Fault(BAD_ARTIFACT, f"{path} is not ToolAlpaca's data: expected a JSON list of APIs")
    return apis


def _api(path: Path, number: int, api: Any) -> Tuple[List[Any], List[Any]]:  # noqa: ANN401
    try:
        return [api["NLDocumentation"]], list(api["Instances"])
    except (KeyError, TypeError) as error:
        raise Fault(
            BAD_ARTIFACT,
            f"{path}: API {number} has no NLDocumentation and Instances; is it train_data.json?",
        ) from error


def _conversation(instance: Dict[str, Any]) -> List[Record]:
    messages: List[Record] = [{"role": "user", "content": instance["input"]}]
    for step in instance["intermediate_steps"]:
        name, parameters, reaction = step[0]
        messages.append({"role": "assistant", "content": reaction.split(ACTION)[0].strip()})
        messages.append(
            {"role": "tool", "name": name, "parameters": json.loads(parameters), "observation": step[1]}
        )
    answer = instance["Final Thought"] + "\n" + instance["output"]
    messages.append({"role": "assistant", "content": answer})
    return messages
