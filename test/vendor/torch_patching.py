"""The code that transformers really runs after patch_modeling.py, while its copies of remote code are kept."""

from __future__ import annotations

TORCH_SINCE_1_10 = "from torch.nn.utils import skip_init\n"
CODE = f"""import sys

import torch
{TORCH_SINCE_1_10}
if sys.platform != 'darwin':
    torch._C._jit_set_profiling_mode(False)


class Model:
    same = torch.cat is torch.concat
    made = skip_init(torch.nn.Linear, 2, 2)
"""
LOAD = """
import sys
from transformers.dynamic_module_utils import get_class_from_dynamic_module
model = get_class_from_dynamic_module("modeling_chatglm.Model", sys.argv[1])
module = sys.modules[model.__module__]
print(module.skip_init.__module__, open(module.__file__).read().count("pass"), type(model.made).__name__)
"""


def test_the_patched_code_is_what_is_loaded_from_a_cache_that_knew_the_old_one(programs, tmp_path):
    first, second = tmp_path / "a" / "weights-01", tmp_path / "b" / "weights-01"
    first.mkdir(parents=True)
    (first / "modeling_chatglm.py").write_text(CODE)
    (first / "config.json").write_text("{}")
    load = tmp_path / "load.py"
    load.write_text(LOAD)
    home = {"HF_HOME": str(tmp_path / "home")}
    assert programs.run(load, first, **home).splitlines()[-1] == "torch.nn.utils.init 0 Linear"
    programs.run("patch_modeling", "--source", first, "--output", second, "--patch", "skip-init", "jit", **home)
    module, count, made = programs.run(load, second, **home).split()[-3:]
    assert module.startswith("transformers_modules.weights")
    assert (count, made) == ("1", "Linear")
    assert programs.run(load, first, **home).splitlines()[-1] == "torch.nn.utils.init 0 Linear"
