"""A Hugging Face model with its weights as safetensors, which some servers read and nothing else."""

from __future__ import annotations

import logging
from pathlib import Path

from checkpoints.huggingface import copy_all_but_weights, weights, write_weights
from checkpoints.safetensors import OutgoingTensor
from pod.amounts import size

log = logging.getLogger(__name__)


def to_safetensors(source: Path, folder: Path) -> None:
    """Write the weights of `source`, as they are stored, into a copy of the model in `folder`."""
    found = weights(source)
    tensors = [OutgoingTensor(name, each.dtype, each.shape, each.read) for name, each in found.items()]
    count = write_weights(folder, tensors)
    files = copy_all_but_weights(source, folder)
    total = size(sum(tensor.size for tensor in tensors))
    log.info(
        "%s: %d tensors, %s in %d files; copied %s", folder, len(tensors), total, count, ", ".join(files)
    )
