"""The changes that a model's remote code needs, by name.

What they look for was read in nine variants of modeling_chatglm.py: ChatGLM-6B of 2023-03
(samson-wang/chatglm-6b-huggingface@867860a) and its last one (greensheng/chatglm-6b@8b7d335), ChatGLM2-6B,
ChatGLM3-6B (czk1997/chatglm3-copy@456aa87), the 32k variants, GLM-4-9B-Chat.
"""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple

from patching.logical_lines import LogicalLine, Replacement

_IMPORT = ("from", "torch.nn.utils", "import", "skip_init")


class Patch(NamedTuple):
    """One change. `find` returns what it replaces in one logical line; `exactly` is how often a file has it.

    Without `exactly` it must be there at least once. `pattern` names it for people, `why` says what for.
    """

    pattern: str
    why: str
    find: Callable[[LogicalLine, str], List[Replacement]]
    exactly: int = 0


def _whole(line: LogicalLine, text: str) -> List[Replacement]:
    return [Replacement(line.start, line.end, text)]


def _skip_init(line: LogicalLine, newline: str) -> List[Replacement]:
    # torch has skip_init from 1.10 on. All it saves is the time of an initialisation that loading overwrites.
    if "".join(line.words) != "".join(_IMPORT):
        return []
    indent = " " * line.start[1]
    body = f"def skip_init(cls, *args, **kwargs):{newline}{indent}    return cls(*args, **kwargs)"
    return _whole(line, body)


def _torch_concat(line: LogicalLine, newline: str) -> List[Replacement]:
    # torch.concat is the name from 1.10 on of what was always torch.cat.
    words = line.words
    places = [
        index + 2
        for index in range(len(words) - 3)
        if words[index : index + 4] == ("torch", ".", "concat", "(")
    ]
    ends = [(line.starts[place][0], line.starts[place][1] + len("concat")) for place in places]
    return [Replacement(line.starts[place], end, "cat") for place, end in zip(places, ends)]


def _jit(line: LogicalLine, newline: str) -> List[Replacement]:
    # `pass`, not a comment: most variants guard these lines by an `if`, which needs a body.
    words = line.words
    found = words[:4] == ("torch", ".", "_C", ".") and words[4].startswith("_jit_") and ";" not in words
    return _whole(line, "pass") if found else []


def _jit_script(line: LogicalLine, newline: str) -> List[Replacement]:
    return _whole(line, "") if line.words == ("@", "torch", ".", "jit", ".", "script") else []


def _sophon_mask(line: LogicalLine, newline: str) -> List[Replacement]:
    # The runtime fills the mask with -10000 itself, so it is added and not multiplied once more
    # (sophgo/LLM-TPU@edb7f13 models/ChatGLM3/compile/files/chatglm3-6b/modeling_chatglm.py).
    wanted = "attention_scores=attention_scores.masked_fill(attention_mask,float("
    found = "".join(line.words).startswith(wanted)
    return _whole(line, "attention_scores = attention_scores + attention_mask") if found else []


def _sophon_major_version(line: LogicalLine, newline: str) -> List[Replacement]:
    # scaled_dot_product_attention has no form in ONNX (same source).
    found = line.words == ("if", "pytorch_major_version", ">=", "2", ":")
    return _whole(line, "if False:") if found else []


PATCHES: Dict[str, Patch] = {
    "skip-init": Patch("from torch.nn.utils import skip_init", "torch before 1.10", _skip_init, 1),
    "torch-concat": Patch("torch.concat(", "torch before 1.10", _torch_concat),
    "jit": Patch("torch._C._jit_...(", "devices without CUDA's fusion", _jit),
    "jit-script": Patch("@torch.jit.script", "sparse export and old torch", _jit_script),
    "sophon-mask": Patch(
        'attention_scores = attention_scores.masked_fill(attention_mask, float("-inf"))',
        "export to ONNX",
        _sophon_mask,
        1,
    ),
    "sophon-major-version": Patch(
        "if pytorch_major_version >= 2:", "export to ONNX", _sophon_major_version, 1
    ),
}
