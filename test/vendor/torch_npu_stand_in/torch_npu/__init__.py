"""Stands in for torch_npu on a machine without a device: what the ATB backend calls, noted in $NPU_CALLS."""

import os
import types
from pathlib import Path

import torch


def note(text):
    with Path(f"{os.environ['NPU_CALLS']}-{os.environ.get('RANK', '0')}").open("a") as file:
        file.write(text + "\n")


def npu_format_cast(tensor, layout):
    note(f"format {layout} {tuple(tensor.shape)}")
    return tensor


_C = types.SimpleNamespace(_npu_get_soc_version=lambda: int(os.environ.get("NPU_CHIP", "220")))
torch.npu = types.SimpleNamespace(
    is_available=lambda: False,  # so that transformers leaves its own kernels for this device alone
    set_device=lambda device: note(f"device {device}"),
    set_compile_mode=lambda jit_compile: note(f"jit_compile {jit_compile}"),
)
