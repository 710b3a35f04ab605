"""Two workers of the real MindSpore that meet through msrun: half a minute, most of it waiting for each other."""

from __future__ import annotations

from pathlib import Path

from mindspore_msrun import launch

from conftest import Programs

REDUCE = """
import mindspore, numpy
from mindspore import ops
from mindspore.communication import get_rank, init
mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
mindspore.set_device("CPU")
init()
total = ops.AllReduce()(mindspore.Tensor(numpy.array([get_rank() + 1.0], "float32")))
print("sum", total.asnumpy()[0], flush=True)
"""


def test_the_workers_reach_each_other(programs: Programs) -> None:
    output = launch(programs, REDUCE)
    assert output.count("sum 3.0\n") == 2
    assert Path("log").is_dir()
