"""Like the real one, rewrites torch's own calls; here they go to the processor, and hccl is gloo."""

import torch
import transformers.modeling_utils  # noqa: F401 (which wants torch's own calls while it is imported)

from torch_npu import note


def _on_cpu(call):
    return lambda *args, device=None, **more: call(*args, device="cpu" if device == "npu" else device, **more)


def _gloo(backend):
    note(f"process group {backend}")
    return _init(backend={"hccl": "gloo"}[backend])


_init = torch.distributed.init_process_group
torch.tensor, torch.arange = _on_cpu(torch.tensor), _on_cpu(torch.arange)
torch.distributed.init_process_group = _gloo
