"""How one model calls its parameters in Hugging Face's and in MindSpore's checkpoints, by family.

Facts: mindformers@c8a5808 mindformers/models/glm/convert_weight.py (chatglm), mindformers@3354237
docs/model_cards/glm3.md (chatglm2, chatglm3), mindformers@9a96f67 (v1.2.0)
mindformers/models/glm2/convert_weight.py (`embedding_weight` since then, also for glm4).
"""

from __future__ import annotations

from typing import Dict

FAMILIES = ("chatglm", "chatglm2", "chatglm3", "glm4")
EMBEDDINGS = ("embedding_table", "embedding_weight")
NORMS = ("post_attention_layernorm", "input_layernorm", "final_layernorm")
NORM_PARAMETERS = {"weight": "gamma", "bias": "beta"}
WORD_EMBEDDINGS = "transformer.word_embeddings.weight"
HEAD = "lm_head.weight"
"""ChatGLM-6B's output layer: the embedding again, which MindSpore's checkpoint holds once."""


def default_embedding(family: str) -> str:
    """Return what MindFormers of the family's own time calls the embedding's matrix."""
    return EMBEDDINGS[1] if family == "glm4" else EMBEDDINGS[0]


def to_mindspore(name: str, family: str, embedding: str) -> str:
    """Return MindSpore's name of the parameter `name` of Hugging Face."""
    if family != "chatglm":
        return name.replace("word_embeddings.weight", embedding)
    parent, _, leaf = name.rpartition(".")
    if parent.endswith("word_embeddings") and leaf == "weight":
        return f"{parent}.{embedding}"
    if any(norm in parent for norm in NORMS):
        return f"{parent}.{NORM_PARAMETERS.get(leaf, leaf)}"
    return name


def to_huggingface(name: str, family: str) -> str:
    """Return Hugging Face's name of the parameter `name` of any MindFormers."""
    parent, _, leaf = name.rpartition(".")
    if leaf in EMBEDDINGS:
        return f"{parent}.weight" if family == "chatglm" else f"{parent}.word_embeddings.weight"
    back: Dict[str, str] = {ours: theirs for theirs, ours in NORM_PARAMETERS.items()}
    if family == "chatglm" and any(norm in parent for norm in NORMS):
        return f"{parent}.{back.get(leaf, leaf)}"
    return name


def half_always(name: str, family: str) -> bool:
    """Whether the parameter is float16 whatever the others are: the first norm of ChatGLM-6B's layers."""
    return family == "chatglm" and "input_layernorm" in name


def is_buffer(name: str) -> bool:
    """Whether `name` is computed from the configuration, so that MindSpore's models do not keep it."""
    return name.endswith("rotary_emb.inv_freq") or name.endswith("rotary_pos_emb.inv_freq")
