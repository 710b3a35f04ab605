"""Modeling files that have, and lay out, what the nine checked variants of modeling_chatglm.py have."""

from __future__ import annotations

from typing import NamedTuple

IMPORTS = '"""A model: torch.concat( and @torch.jit.script are only words here."""\nimport sys\n\nimport torch\n'
SKIP_INIT = "from torch.nn.utils import skip_init\n"
JIT = "".join(
    f"torch._C._jit_{name}\n"
    for name in (
        "set_profiling_mode(False)",
        "set_profiling_executor(False)",
        "override_can_fuse_on_cpu(True)",
        "override_can_fuse_on_gpu(True)  # fusion",
    )
)
EMPTY_INIT = """
class Layer{0}(torch.nn.Module):
    def __init__(self, empty_init=True):
        if empty_init:
            init_method = skip_init
        else:
            init_method = default_init
        self.dense = init_method(torch.nn.Linear, 4, 4)
"""
DIRECT = "\n        self.part{0} = skip_init(\n            torch.nn.Linear, 4, 4, dtype=torch.half\n        )"
CONCAT = """
def joined(a, b):
    # was torch.concat([a, b])
    query = torch.concat([a, b], dim=(a.ndim - 1))
    return torch.concat(
        [query, b], dim=0)
"""
SCRIPT = "\n@torch.jit.script\ndef gelu{0}(x):\n    return x\n"
MAJOR = """
def attention(attention_scores, attention_mask):
    pytorch_major_version = int(torch.__version__.split('.')[0])
    if pytorch_major_version >= 2:
        return None
    return attention_scores
"""
MASK = """
def masked(attention_scores, attention_mask):
    if attention_mask is not None:
        attention_scores = attention_scores.masked_fill(attention_mask, float("-inf"))
    return attention_scores
"""


class Variant(NamedTuple):
    """How often a file has each thing, as counted in the originals."""

    name: str
    text: str
    concat: int
    script: int
    major: int
    mask: int


def _variant(name: str, direct=0, blocks=0, concat=0, guarded=True, major=0, script=1) -> Variant:
    jit = JIT
    if guarded:
        jit = "if sys.platform != 'darwin':\n" + "".join(f"    {line}\n" for line in JIT.splitlines())
    calls = "".join(DIRECT.format(index) for index in range(direct))
    body = f"\nclass Model(torch.nn.Module):\n    def __init__(self):{calls}\n        self.last = None\n"
    parts = [IMPORTS, SKIP_INIT, "\n# flags for fusion\n\n", jit]
    if blocks:
        parts.append("\ndef default_init(cls, *args, **kwargs):\n    return cls(*args, **kwargs)\n")
    parts += [SCRIPT.format(index) for index in range(script)]
    parts += [EMPTY_INIT.format(index) for index in range(blocks)]
    parts += [body, CONCAT if concat else "", MAJOR * major, MASK * major]
    return Variant(name, "".join(parts), concat, script, major, major)


VARIANTS = [
    _variant("chatglm-6b-2023-03", direct=6, concat=2, guarded=False, script=2),
    _variant("chatglm-6b", blocks=4, direct=1, concat=2, script=2),
    _variant("chatglm2-6b", blocks=1, major=1),
    _variant("chatglm2-6b-int4", blocks=1, major=1),
    _variant("chatglm2-6b-32k", blocks=1, major=1),
    _variant("chatglm3-6b", blocks=1, major=1),
    _variant("chatglm3-6b-32k", blocks=1),
    _variant("glm-4-9b-chat", blocks=1),
    _variant("long-align", blocks=1),
]
