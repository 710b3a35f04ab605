"""Low-rank adapters put into the weights that they adapt: what other runtimes serve.

`X.weight` is used as `X.weight + alpha / rank * (b @ a)`, where `X.mindpet_delta_lora_A` is `a` and rank is
its rows (mindpet 1.0.4 mindpet/delta/lora.py, LoRADense; `tk_delta_lora_a` in mindformers@024279c
mindformers/models/glm2/convert_reversed.py).
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from checkpoints.mindspore_file import values
from checkpoints.vendor import package
from pod.exit_codes import BAD_ARTIFACT, USAGE, Fault

SUFFIX = "delta_lora_"

Read = Callable[[], Any]


def is_adapter(name: str) -> bool:
    """Whether `name` is one of the two matrices of an adapter."""
    return name.lower().endswith((f"{SUFFIX}a", f"{SUFFIX}b"))


def adapted(loaded: Dict[str, Any], alpha: Optional[int]) -> Dict[str, Read]:
    """Return how to read each weight of `loaded` that has an adapter, by the weight's name.

    `alpha` is the training's `lora_alpha`; without it a checkpoint with adapters is refused (USAGE).
    """
    found = {name: _read(loaded, name, alpha) for name in loaded if is_adapter(name) and name[-1] in "aA"}
    return {_weight(name): read for name, read in found.items()}


def _weight(adapter: str) -> str:
    return adapter.rpartition(".")[0] + ".weight"


def _read(loaded: Dict[str, Any], first: str, alpha: Optional[int]) -> Read:
    if alpha is None:
        raise Fault(
            USAGE,
            f"the checkpoint holds adapters, the first is {first}; "
            f"give the training's lora_alpha as --lora-alpha ('loraAlpha' of ConvertCheckpoint), "
            f"so that they can be put into the weights",
        )
    second, weight = first[:-1] + ("b" if first[-1] == "a" else "B"), _weight(first)
    missing = [name for name in (second, weight) if name not in loaded]
    if missing:
        raise Fault(BAD_ARTIFACT, f"{first} adapts nothing: the checkpoint has no {missing[0]}")
    whole, a, b = loaded[weight], loaded[first], loaded[second]
    return lambda: _sum(values(whole), values(a), values(b), alpha)


def _sum(whole: Any, a: Any, b: Any, alpha: int) -> Any:  # noqa: ANN401 (numpy arrays)
    numpy = package("numpy")
    delta = numpy.matmul(b.astype("float32"), a.astype("float32"))
    return whole.astype("float32") + alpha / a.shape[0] * delta
