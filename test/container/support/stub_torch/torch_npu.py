"""Adds `torch.npu`, as the vendor's extension does."""

import os

import torch


class npu:
    @staticmethod
    def is_available():
        return os.environ.get("STUB_DEVICES") == "1"

    @staticmethod
    def manual_seed_all(seed):
        print(f"stub torch.npu: seed {seed}\n", end="", flush=True)

    @staticmethod
    def set_compile_mode(jit_compile):
        print(f"stub torch.npu: jit_compile {jit_compile}\n", end="", flush=True)


torch.npu = npu
