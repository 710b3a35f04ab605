"""Lets MindFormers train on a CPU: replaces what only an accelerator has, right after its module was imported.

Every Python of the image imports this (by mindformers_cpu.pth), so it imports nothing heavy itself.
"""

import importlib.abc
import importlib.machinery
import sys

PATCHED = ("mindspore.nn.wrap.loss_scale", "mindformers.version_control")


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in PATCHED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader.exec_module = _then_patch(spec.loader.exec_module)
        return spec


def _then_patch(execute):
    def exec_module(module):
        execute(module)
        from mindformers_cpu import patches  # imports mindspore, which is there only now

        getattr(patches, module.__name__.rpartition(".")[2])(module)

    return exec_module


sys.meta_path.insert(0, _Finder())
