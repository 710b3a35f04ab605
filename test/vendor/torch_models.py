"""Tiny models with random weights, written as the folders that serving loads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, Glm4Config, GlmConfig, PreTrainedTokenizerFast

SPECIALS = ["<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"]
ROLES = ["<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"]
REMOTE = Path(__file__).parent / "torch_remote_code"


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte, so that every Chinese character is three, and GLM-4's special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={char: index for index, char in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([*SPECIALS, *ROLES])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=SPECIALS[0], pad_token=SPECIALS[0])


def write_glm(folder: Path, config_class: type[GlmConfig | Glm4Config], **more: object) -> Path:
    """A model of transformers' own GLM; `more` goes into its config."""
    tokenizer = byte_tokenizer()
    shape = dict(
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
    )
    end = tokenizer.eos_token_id
    config = config_class(
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        pad_token_id=end,
        **{"eos_token_id": [end], **shape, **more},
    )
    torch.manual_seed(7)
    # Embeddings as wide as this make the next token depend on what was said; with the usual ones it repeats itself.
    config.initializer_range = 0.3
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_remote(folder: Path) -> Path:
    """A model that brings its own code, as ChatGLM-6B does; see torch_remote_code/."""
    shutil.copytree(REMOTE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    names = {"AutoConfig": "configuration_tiny.TinyConfig", "AutoModel": "modeling_tiny.TinyForConditionalGeneration"}
    config = {
        "model_type": "chatglm-tiny",
        "auto_map": names,
        "vocab_size": 300,
        "max_sequence_length": 256,
        "gmask_token_id": 257,
        "eos_token_id": 259,
        "bos_token_id": 258,
        "pad_token_id": 259,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "auto_map": {"AutoTokenizer": ["tokenization_tiny.TinyTokenizer", None]},
                "tokenizer_class": "TinyTokenizer",
            }
        )
    )
    torch.manual_seed(3)
    torch.save(
        {"transformer.word_embeddings.weight": torch.randn(300, 32), "lm_head.weight": torch.randn(300, 32)},
        folder / "pytorch_model.bin",
    )
    return folder
