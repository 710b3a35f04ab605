"""Weights of GLM models of one layer in the layout of Hugging Face: the names of the real ones, made-up values."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from checkpoints import huggingface
from checkpoints.safetensors import OutgoingTensor

HIDDEN, FFN, HEAD, HEADS, GROUPS = 64, 128, 16, 4, 2
IDS = 429
"""What ChatGLM3's tokenizer has with the tiny sentencepiece model."""

QKV = HEAD * (HEADS + 2 * GROUPS)
ROTARY = "transformer.rotary_pos_emb.inv_freq"


def shapes(family: str) -> dict[str, tuple[int, ...]]:
    """Return the names of the tensors of one layer, with their shapes."""
    return _first_generation() if family == "chatglm" else _later_generations()


def _later_generations() -> dict[str, tuple[int, ...]]:
    layer = "transformer.encoder.layers.0."
    return {
        "transformer.embedding.word_embeddings.weight": (IDS, HIDDEN),
        ROTARY: (HEAD // 4,),
        f"{layer}input_layernorm.weight": (HIDDEN,),
        f"{layer}self_attention.query_key_value.weight": (QKV, HIDDEN),
        f"{layer}self_attention.query_key_value.bias": (QKV,),
        f"{layer}self_attention.dense.weight": (HIDDEN, HIDDEN),
        f"{layer}post_attention_layernorm.weight": (HIDDEN,),
        f"{layer}mlp.dense_h_to_4h.weight": (2 * FFN, HIDDEN),
        f"{layer}mlp.dense_4h_to_h.weight": (HIDDEN, FFN),
        "transformer.encoder.final_layernorm.weight": (HIDDEN,),
        "transformer.output_layer.weight": (IDS, HIDDEN),
    }


def _first_generation() -> dict[str, tuple[int, ...]]:
    layer = "transformer.layers.0."
    found: dict[str, tuple[int, ...]] = {
        "lm_head.weight": (IDS, HIDDEN),
        "transformer.word_embeddings.weight": (IDS, HIDDEN),
        f"{layer}attention.rotary_emb.inv_freq": (HEAD // 2,),
    }
    for norm in (f"{layer}input_layernorm", f"{layer}post_attention_layernorm", "transformer.final_layernorm"):
        found.update({f"{norm}.weight": (HIDDEN,), f"{norm}.bias": (HIDDEN,)})
    for name, width in (("attention.query_key_value", 3), ("attention.dense", 1)):
        found.update({f"{layer}{name}.weight": (width * HIDDEN, HIDDEN), f"{layer}{name}.bias": (width * HIDDEN,)})
    found[f"{layer}mlp.dense_h_to_4h.weight"] = (FFN, HIDDEN)
    found[f"{layer}mlp.dense_4h_to_h.weight"] = (HIDDEN, FFN)
    return found


def values(family: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Return float32 values for every tensor; ChatGLM-6B's output layer is its embedding."""
    random = np.random.default_rng(seed)
    found = {
        name: (1 if "layernorm.weight" in name else 0) + random.normal(0, 0.02, shape).astype("float32")
        for name, shape in shapes(family).items()
    }
    if family == "chatglm":
        found["lm_head.weight"] = found["transformer.word_embeddings.weight"]
    return found


def write(folder: Path, family: str, dtype: str = "float16", shard: int = 60_000) -> dict[str, np.ndarray]:
    """Write a model into `folder`, in several shards, with what lies beside weights; return its values as stored."""
    folder.mkdir(parents=True)
    given = values(family)
    tensors = [OutgoingTensor(name, dtype, array.shape, lambda array=array: array) for name, array in given.items()]
    huggingface.write_weights(folder, tensors, shard)
    (folder / "config.json").write_text(json.dumps({"torch_dtype": dtype}))
    (folder / "modeling_chatglm.py").write_text("# remote code\n")
    (folder / ("ice_text.model" if family == "chatglm" else "tokenizer.model")).write_bytes(b"tokens")
    return {name: tensor.read() for name, tensor in huggingface.weights(folder).items()}
