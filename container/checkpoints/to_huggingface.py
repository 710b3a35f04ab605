"""A MindSpore checkpoint written as a Hugging Face model that other runtimes serve."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional

from checkpoints import mindspore_file
from checkpoints.huggingface import copy_all_but_weights, weights, write_weights
from checkpoints.lora import adapted, is_adapter
from checkpoints.names import HEAD, WORD_EMBEDDINGS, is_buffer
from checkpoints.names import to_huggingface as renamed
from checkpoints.optimizer_state import model_names
from checkpoints.safetensors import OutgoingTensor
from checkpoints.tensor import FLOATS, StoredTensor
from pod.amounts import size
from pod.exit_codes import BAD_ARTIFACT, Fault

log = logging.getLogger(__name__)


def to_huggingface(
    checkpoint: Path,
    base: Path,
    folder: Path,
    family: str,
    dtype: Optional[str] = None,
    lora_alpha: Optional[int] = None,
) -> None:
    """Write the parameters of `checkpoint` as the weights of a copy of `base` in `folder`.

    Names and shapes must be those of `base`. Element types are those of `base` unless `dtype` names one.
    What only `base` keeps is taken from it: buffers, and ChatGLM-6B's second copy of the embedding.
    Adapters are put into the weights that they adapt, by the `lora_alpha` of their training.
    """
    expected = weights(base)
    loaded = mindspore_file.load(checkpoint)
    own = [name for name in model_names(loaded) if not is_adapter(name)]
    found = {renamed(name, family): loaded[name] for name in own}
    changed = {renamed(name, family): read for name, read in adapted(loaded, lora_alpha).items()}
    if family == "chatglm" and HEAD in expected and WORD_EMBEDDINGS in found:
        found.setdefault(HEAD, found[WORD_EMBEDDINGS])
    _check_names(checkpoint, base, expected, found)
    tensors = [
        _outgoing(checkpoint, name, stored, found.get(name), dtype) for name, stored in expected.items()
    ]
    tensors = [replace(each, read=changed.get(each.name, each.read)) for each in tensors]
    count = write_weights(folder, tensors)
    files = copy_all_but_weights(base, folder)
    total = size(sum(tensor.size for tensor in tensors))
    log.info(
        "%s: %d tensors, %s in %d files; copied %s", folder, len(tensors), total, count, ", ".join(files)
    )


def _check_names(
    checkpoint: Path, base: Path, expected: Dict[str, StoredTensor], found: Dict[str, Any]
) -> None:
    extra = [name for name in found if name not in expected]
    if extra:
        raise Fault(
            BAD_ARTIFACT,
            f"{checkpoint} holds {len(extra)} parameters that {base} does not know, the first is {extra[0]}; "
            f"is --base the model that was trained?",
        )
    missing = [name for name in expected if name not in found and not is_buffer(name)]
    if missing:
        raise Fault(
            BAD_ARTIFACT,
            f"{checkpoint} lacks {len(missing)} of the {len(expected)} parameters of {base}, "
            f"the first is {missing[0]}; is it the whole, merged checkpoint of this model?",
        )


def _outgoing(
    checkpoint: Path,
    name: str,
    stored: StoredTensor,
    parameter: Any,  # noqa: ANN401
    wanted: Optional[str],
) -> OutgoingTensor:
    dtype = wanted if wanted and stored.dtype in FLOATS else stored.dtype
    if parameter is None:
        return OutgoingTensor(name, stored.dtype, stored.shape, stored.read)
    shape = tuple(int(length) for length in parameter.shape)
    if shape != stored.shape:
        raise Fault(
            BAD_ARTIFACT,
            f"{name} is {list(shape)} in {checkpoint} but {list(stored.shape)} in the base model; "
            f"a shard of a parallel run must be merged first",
        )
    return OutgoingTensor(name, dtype, shape, lambda: mindspore_file.values(parameter))
