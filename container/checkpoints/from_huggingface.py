"""Hugging Face's weights written as one MindSpore checkpoint."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Iterator, Optional, Tuple

from checkpoints.huggingface import copy_tokenizer, weights
from checkpoints.mindspore_file import save
from checkpoints.names import half_always
from checkpoints.names import to_mindspore as renamed
from checkpoints.tensor import FLOATS, StoredTensor
from pod.amounts import size

log = logging.getLogger(__name__)


def to_mindspore(source: Path, target: Path, family: str, embedding: str, dtype: Optional[str]) -> None:
    """Write the weights of `source` to `target`, and its tokenizer file beside it.

    `dtype` None keeps each as it is stored.
    """
    tensors = weights(source)
    log.info("%s holds %d tensors", source, len(tensors))

    def parameters() -> Iterator[Tuple[str, Any, str]]:
        for name, tensor in tensors.items():
            yield renamed(name, family, embedding), tensor.read(), _dtype(name, tensor, family, dtype)

    count = save(target, parameters())
    tokenizer = copy_tokenizer(source, target.parent)
    log.info("%s: %d parameters, %s; %s beside it", target, count, size(target.stat().st_size), tokenizer)


def _dtype(name: str, tensor: StoredTensor, family: str, wanted: Optional[str]) -> str:
    if tensor.dtype not in FLOATS:
        return "bool_" if tensor.dtype == "bool" else tensor.dtype
    return "float16" if half_always(name, family) else wanted or tensor.dtype
