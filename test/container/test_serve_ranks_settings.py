"""What serve_atb.py refuses before it loads anything, and an image that cannot load."""

from __future__ import annotations

import re

import pytest

from support.atb_steps import Steps
from support.launched_server import ADDRESS
from support.serve_server import MODEL


@pytest.fixture(scope="module")
def steps(python, container, tmp_path_factory) -> Steps:
    return Steps(python, container, tmp_path_factory.mktemp("atb"))


def serve(steps: Steps, *flags: object, **env: str) -> tuple[int, str]:
    """The exit code and the termination message."""
    script = steps.script("serve_atb")
    code, _ = script.run("--backend", "atb", "--model-name", MODEL, *ADDRESS, *flags, **env)
    return code, script.cause


def options(*pairs: str) -> list[str]:
    return [word for pair in pairs for word in ("--backend-option", pair)]


@pytest.mark.parametrize(
    ("model", "pairs", "code", "cause"),
    [
        ("weights", [], 31, "the atb option tree is missing: it is the folder of ModelLink's source tree"),
        ("weights", ["tree={tree}", "tp=2"], 31,
         "the atb backend has no option 'tp': it has tree, precision, compressed, device, work-dir"),
        ("weights", ["tree={tree}", "precision=int4"], 31,
         "the atb option precision is 'int4': it must be one of float, w8a8, sparse"),
        ("weights", ["tree={tree}", "device=npu:0"], 31, "the atb option device is 'npu:0': it must be a whole number"),
        ("weights", ["tree={tree}", "precision=sparse"], 31,
         "sparse weights can only be compressed for 2 devices, not 1"),
        ("weights", ["tree={tree}", "precision=w8a8"], 28,
         "quantized shards in {weights}/quant/tp1 are without quant_weight0.npy, new_bias0.npy, new_deq_scale0.npy; "
         "shard the weights again"),
        ("ceval", ["tree={tree}"], 28,
         "{ceval} has no config.json, configuration_chatglm.py, quantization.py, modeling_chatglm.py, "
         "pytorch_model.bin.index.json, tokenization_chatglm.py, tokenizer_config.json, tokenizer.model; take all "
         "files of THUDM/chatglm2-6b at 4e38bef4"),
        ("weights", ["tree={ceval}"], 28,
         "--tree {ceval} has no mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b with main.py and "
         "process_weights.py; take the source tree of ModelLink at 839b2483"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_work(steps, model, pairs, code, cause):
    names = {"tree": str(steps.tree), "weights": str(steps.weights), "ceval": str(steps.ceval)}
    given = options(*(pair.format(**names) for pair in pairs))
    ended = serve(steps, "--model-path", names[model], *given)
    assert ended == (code, cause.format(**names))


def test_no_model(steps):
    code, cause = serve(steps, *options(f"tree={steps.tree}"))
    assert (code, cause) == (31, "--model-path is missing: the atb backend loads a model from there")


def test_shards_for_another_number_of_devices(steps):
    given = ["--model-path", steps.sharded("float", 2), *options(f"tree={steps.tree}")]
    code, cause = serve(steps, *given, RANK="0", WORLD_SIZE="4")
    folder = steps.sharded("float", 2) / "tensor_parallel_tp4" / "part_model" / "0"
    assert (code, cause) == (
        28,
        f"shards in {folder} are without config.json, configuration_chatglm.py, quantization.py; shard the weights "
        "again",
    )


def test_shards_of_a_model_whose_positions_are_stretched(python, container, tmp_path):
    own = Steps(python, container, tmp_path)
    config = own.sharded("float", 2) / "tensor_parallel_tp2" / "part_model" / "1" / "config.json"
    config.write_text('{"world_size": 2, "rope_ratio": 50}')
    given = ["--model-path", own.sharded("float", 2), *options(f"tree={own.tree}")]
    assert serve(own, *given, RANK="0", WORLD_SIZE="2") == (
        28,
        f"{config} has rope_ratio 50, but the model's code for ATB places all tokens as with 1, and would answer "
        "wrongly; take weights without it, such as THUDM/chatglm2-6b",
    )


def test_ranks_of_one_start_share_a_name_that_no_other_start_has(steps, python, container, tmp_path):
    """ATB ends this name with ATB_SHARE_MEMORY_NAME_SUFFIX: what an earlier start left locked is not met again."""
    (tmp_path / "torch.py").write_text(
        "import os; raise ImportError(os.environ['ATB_SHARE_MEMORY_NAME_SUFFIX'] + ' for ' + os.environ['MASTER_PORT'])"
    )
    server = [python, container / "serve_atb.py", "--backend", "atb", "--model-name", MODEL, *ADDRESS]
    given = ["--model-path", steps.sharded("float", 2), *options(f"tree={steps.tree}", f"work-dir={tmp_path / 'work'}")]
    launcher = ["--devices", 2, "--rank-env", "torch", "--kind", "server", "--grace", 5, "--", *server, *given]
    code, said = steps.script("launch").run(*launcher, PYTHONPATH=str(tmp_path), ATB_SHARE_MEMORY_NAME_SUFFIX="mine")
    assert code == 30, said
    names = set(re.findall(r"cannot import 'torch' \((\S+) for (\d+)\)", said))
    assert len(names) == 1
    assert all(suffix == f"mine-{port}" for suffix, port in names)


def test_an_image_without_the_vendors_kit(steps, tmp_path):
    """The modeling file imports it, so that the image's transformers would refuse the model."""
    for name in ("torch", "torch_npu/__init__", "torch_npu/contrib/__init__", "torch_npu/contrib/transfer_to_npu"):
        (tmp_path / f"{name}.py").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.py").touch()
    (tmp_path / "transformers.py").touch()
    given = ["--model-path", steps.weights, *options(f"tree={steps.tree}", f"work-dir={tmp_path / 'work'}")]
    assert serve(steps, *given, PYTHONPATH=str(tmp_path)) == (
        30,
        "this image cannot import 'atb_speed.common.arch.post_process.sample' (No module named 'atb_speed'): use an "
        "image that has CANN, ATB 7.0.T8xx, torch_npu, transformers 4.30.2 and atb_speed 1.0.8",
    )


def test_an_image_without_torch(steps, tmp_path):
    given = ["--model-path", steps.weights, *options(f"tree={steps.tree}", f"work-dir={tmp_path / 'work'}")]
    assert serve(steps, *given) == (
        30,
        "this image cannot import 'torch' (No module named 'torch'): use an image that has CANN, ATB 7.0.T8xx, torch_npu, "
        "transformers 4.30.2 and atb_speed 1.0.8",
    )
    part = tmp_path / "work" / "rank-0" / "part"
    assert "runs on ATB" in (part / "modeling_chatglm.py").read_text()
    assert (part / "pytorch_model-00001-of-00007.bin").is_symlink()
    assert (steps.weights / "modeling_chatglm.py").read_text() == '"""The standard modeling file."""\n'
