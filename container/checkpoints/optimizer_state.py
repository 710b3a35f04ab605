"""Which parameters of a training checkpoint are the model's, and which only continue the training."""

from __future__ import annotations

from typing import Iterable, List


def model_names(names: Iterable[str]) -> List[str]:
    """Return the model's own parameters among `names`, in order.

    MindSpore saves an optimizer's state of a parameter under its name behind a prefix
    (`adam_m.transformer...`), and counters under single words (`global_step`, `loss_scale`, `epoch_num`):
    read from a checkpoint of MindSpore 2.7.0 and mindformers 1.1.0.
    """
    every = list(names)
    known = set(every)
    return [name for name in every if "." in name and name.split(".", 1)[1] not in known]
