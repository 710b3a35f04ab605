"""Adds `torch.mlu`, as the vendor's extension does."""

import os

import torch


class mlu:
    @staticmethod
    def is_available():
        return os.environ.get("STUB_DEVICES") == "1"

    @staticmethod
    def manual_seed_all(seed):
        print(f"stub torch.mlu: seed {seed}\n", end="", flush=True)

    @staticmethod
    def set_compile_mode(jit_compile):
        print(f"stub torch.mlu: jit_compile {jit_compile}\n", end="", flush=True)


torch.mlu = mlu
