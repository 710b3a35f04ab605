"""What the CPU has not, in the terms of mindspore 2.7.0 and mindformers 1.1.0; one function a patched module.

MindSpore's graph mode compiles the source of the functions below: they need a file, `def`, and the name `self`.
"""

from mindspore import nn
from mindspore.common import dtype
from mindspore.ops import functional, operations


def start_overflow_check(self, pre_cond, compute_input):
    """Replaces NPUClearFloatStatusV2."""
    return False, compute_input


def get_overflow_status(self, status, compute_output):
    """Replaces NPUGetFloatStatusV2: never an overflow."""
    return functional.cast(self.scale_sense, dtype.float32) < 0


def loss_scale(module):
    """Patch `mindspore.nn.wrap.loss_scale`."""
    cell = module.TrainOneStepWithLossScaleCell
    cell.start_overflow_check = start_overflow_check
    cell.get_overflow_status = get_overflow_status


def version_control(module):
    """Patch `mindformers.version_control`: no fused RmsNorm, and the cast that cells once had themselves."""
    module.check_rmsnorm_big_kernel_valid = lambda *_, **__: False
    if "cast" not in nn.Cell().__dict__ and not hasattr(nn.Cell, "cast"):
        nn.Cell.cast = operations.Cast()
