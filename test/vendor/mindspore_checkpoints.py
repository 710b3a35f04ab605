"""The checkpoint scripts with the real MindSpore, beside the real scripts of MindFormers 1.1.0."""

from __future__ import annotations

import importlib.util
import runpy
import stat
import sys
from pathlib import Path
from typing import Callable

import mindspore
import numpy as np
import pytest
from mindpet.delta.lora import LoRADense
from tiny import weights

from checkpoints import huggingface, mindspore_file
from checkpoints.convert import main as convert_checkpoint
from conftest import HERE, Programs

MINDFORMERS = Path(importlib.util.find_spec("mindformers").origin).parent
FAMILIES = ("chatglm", "chatglm2", "chatglm3", "glm4")


def arrays(checkpoint: Path) -> dict[str, np.ndarray]:
    return {name: mindspore_file.values(each) for name, each in mindspore_file.load(checkpoint).items()}


def dtypes(checkpoint: Path) -> set[str]:
    return {mindspore_file.dtype(each) for each in mindspore_file.load(checkpoint).values()}


def stored(folder: Path) -> dict[str, tuple[str, np.ndarray]]:
    return {name: (each.dtype, np.array(each.read())) for name, each in huggingface.weights(folder).items()}


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def convert(programs: Programs, family: str, *arguments: object) -> None:
    programs.here(
        convert_checkpoint, "--from", "huggingface", "--to", "mindspore", "--family", family,
        "--source", "given", "--output", "converted", "--file", "glm.ckpt", *arguments,
    )  # fmt: skip


def convert_back(programs: Programs, family: str, *arguments: object, code: int = 0) -> None:
    programs.here(
        convert_checkpoint, "--from", "mindspore", "--to", "huggingface", "--family", family, "--base", "given",
        "--source", "converted", "--file", "glm.ckpt", "--output", "back", *arguments, code=code,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("family", "dtype"), [*((family, "float16") for family in FAMILIES), ("glm4", "bfloat16"), ("chatglm3", "float32")]
)
def test_there_and_back_is_the_identity(programs: Programs, family: str, dtype: str) -> None:
    weights.write(programs.folder / "given", family, dtype)
    before = stored(programs.folder / "given")

    convert(programs, family)
    convert_back(programs, family)

    after = stored(programs.folder / "back")
    assert before.keys() == after.keys()
    for name, (kind, values) in before.items():
        assert (after[name][0], np.array_equal(after[name][1], values)) == (kind, True), name
    files = {path.name for path in (programs.folder / "back").iterdir()}
    tokenizer = "ice_text.model" if family == "chatglm" else "tokenizer.model"
    own = {"config.json", "modeling_chatglm.py", tokenizer, "model.safetensors.index.json"}
    assert files == own | {"model-00001-of-00001.safetensors"}
    converted = programs.folder / "converted"
    assert {path.name for path in converted.iterdir()} == {"glm.ckpt", tokenizer}
    assert dtypes(converted / "glm.ckpt") == {dtype}
    assert stat.S_IMODE((converted / "glm.ckpt").stat().st_mode) == 0o644


def test_starts_again_over_what_a_killed_attempt_left(programs: Programs) -> None:
    weights.write(programs.folder / "given", "chatglm3")
    left = {
        "converted": (".glm.partial.ckpt", ".tokenizer.model.partial", "glm.ckpt"),
        "back": ("model-00002-of-00002.safetensors", ".model-00001-of-00002.safetensors.partial"),
    }
    for folder, names in left.items():
        (programs.folder / folder).mkdir()
        for name in names:
            path = programs.folder / folder / name
            path.write_bytes(b"half")
            if name.endswith(".ckpt"):
                path.chmod(0o400)  # as MindSpore leaves it

    convert(programs, "chatglm3")
    convert_back(programs, "chatglm3")

    before, after = stored(programs.folder / "given"), stored(programs.folder / "back")
    assert all(np.array_equal(before[name][1], after[name][1]) for name in before)
    found = sorted(path.name for folder in left for path in (programs.folder / folder).iterdir())
    assert [name for name in found if "partial" in name or "00002" in name] == []


def test_element_types_on_request(programs: Programs) -> None:
    weights.write(programs.folder / "given", "glm4", "bfloat16")
    convert(programs, "glm4", "--dtype", "float16")
    assert dtypes(programs.folder / "converted/glm.ckpt") == {"float16"}
    convert_back(programs, "glm4", "--dtype", "float32")
    assert {kind for kind, _ in stored(programs.folder / "back").values()} == {"float32"}


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that runs one of upstream's scripts, which get their tensors from values.npz."""
    importlib.import_module("mindformers")  # before torch seems to be there
    monkeypatch.syspath_prepend(str(HERE / "stand_ins"))

    def run(script: str, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(str(MINDFORMERS / "models" / script), run_name="__main__")

    yield run
    for name in ("torch", "transformers", "mindformers.utils.convert_utils"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("family", "script", "flags", "arguments"),
    [
        ("chatglm", "glm/convert_weight.py", ("--pt_ckpt_path", "--ms_ckpt_path"), ()),
        # upstream's own default is float32
        ("chatglm2", "glm2/convert_weight.py", ("--torch_ckpt_path", "--mindspore_ckpt_path"), ("--dtype", "float32")),
        ("chatglm3", "glm2/convert_weight.py", ("--torch_ckpt_path", "--mindspore_ckpt_path"), ("--dtype", "float32")),
    ],
)
def test_equals_upstreams_conversion(
    programs: Programs,
    upstream: Callable[..., None],
    family: str,
    script: str,
    flags: tuple[str, str],
    arguments: tuple[str, ...],
) -> None:
    values = weights.write(programs.folder / "given", family)
    np.savez(programs.folder / "given/values.npz", **values)

    upstream(script, flags[0], "given/model.pth", flags[1], "upstream.ckpt")
    convert(programs, family, *arguments)

    ours, theirs = programs.folder / "converted/glm.ckpt", programs.folder / "upstream.ckpt"
    assert same(arrays(ours), arrays(theirs))
    assert dtypes(ours) == dtypes(theirs)


@pytest.mark.parametrize(
    ("family", "script", "flags"),
    [
        ("chatglm", "glm/convert_reversed.py", ("--ms_ckpt_path", "--pt_ckpt_path")),
        ("chatglm3", "glm2/convert_reversed.py", ("--mindspore_ckpt_path", "--torch_ckpt_path")),
    ],
)
def test_equals_upstreams_way_back(
    programs: Programs, upstream: Callable[..., None], family: str, script: str, flags: tuple[str, str]
) -> None:
    weights.write(programs.folder / "given", family)
    convert(programs, family)

    upstream(script, flags[0], "converted/glm.ckpt", flags[1], "upstream.npz")
    convert_back(programs, family)

    with np.load(programs.folder / "upstream.npz") as file:
        theirs = dict(file)
    ours = {name: values for name, (_, values) in stored(programs.folder / "back").items()}
    assert same(ours, theirs)


def test_what_training_does_not_keep_comes_from_the_base(programs: Programs) -> None:
    """ChatGLM-6B's trained checkpoint has neither the rotary buffer nor a second embedding."""
    weights.write(programs.folder / "given", "chatglm")
    convert(programs, "chatglm")
    path = programs.folder / "converted/glm.ckpt"
    loaded = mindspore_file.load(path)
    trained = {name: each for name, each in loaded.items() if "inv_freq" not in name and name != "lm_head.weight"}
    embedding = "transformer.word_embeddings.embedding_table"
    trained[embedding] = mindspore.Tensor(np.full((weights.IDS, weights.HIDDEN), 3, "float32"))
    state = {"adam_m." + embedding: trained[embedding], "global_step": mindspore.Tensor(np.array([5], "int32"))}
    mindspore_file.save_loaded(path, {**trained, **state})

    convert_back(programs, "chatglm")

    before, after = stored(programs.folder / "given"), stored(programs.folder / "back")
    assert before.keys() == after.keys()
    assert all(after[name][1].min() == 3 for name in ("lm_head.weight", "transformer.word_embeddings.weight"))
    rotary = "transformer.layers.0.attention.rotary_emb.inv_freq"
    assert np.array_equal(before[rotary][1], after[rotary][1])


@pytest.mark.parametrize(
    ("family", "name", "package"),
    [
        ("chatglm3", "transformer.encoder.layers.0.self_attention.dense", "mindpet"),
        ("chatglm3", "transformer.encoder.layers.0.self_attention.dense", "tk"),
        ("chatglm", "transformer.layers.0.attention.dense", "tk"),
    ],
)
def test_adapters_work_as_in_mindpets_own_layer(programs: Programs, family: str, name: str, package: str) -> None:
    """The real layer with its adapter computes what a plain layer computes with the weights that we write."""
    weights.write(programs.folder / "given", family, "float32")
    convert(programs, family)
    path = programs.folder / "converted/glm.ckpt"
    loaded = mindspore_file.load(path)
    random = np.random.default_rng(3)
    layer = LoRADense(weights.HIDDEN, weights.HIDDEN, 4, 32, has_bias=False, compute_dtype=mindspore.float32)
    layer.weight.set_data(mindspore.Tensor(mindspore_file.values(loaded[f"{name}.weight"])))
    for each in (layer.mindpet_delta_lora_a, layer.mindpet_delta_lora_b):
        each.set_data(mindspore.Tensor(random.normal(0, 0.02, each.shape).astype("float32")))
        loaded[f"{name}.{each.name.replace('mindpet', package)}"] = each
    assert layer.mindpet_delta_lora_a.name == "mindpet_delta_lora_A"
    mindspore_file.save_loaded(path, loaded)

    convert_back(programs, family, "--lora-alpha", 32)

    back = stored(programs.folder / "back")
    assert back.keys() == weights.shapes(family).keys()
    given = random.normal(0, 1, (5, weights.HIDDEN)).astype("float32")
    expected = layer(mindspore.Tensor(given)).asnumpy()
    assert np.allclose(given @ back[f"{name}.weight"][1].T, expected, atol=1e-5)

    convert_back(programs, family, code=20)
    assert programs.cause == (
        f"the checkpoint holds adapters, the first is {name}.{package}_delta_lora_A; "
        f"give the training's lora_alpha as --lora-alpha ('loraAlpha' of ConvertCheckpoint), so that they can be "
        f"put into the weights"
    )


def test_a_checkpoint_of_another_model_is_refused(programs: Programs) -> None:
    weights.write(programs.folder / "given", "chatglm3")
    convert(programs, "chatglm3")
    path = programs.folder / "converted/glm.ckpt"
    loaded = mindspore_file.load(path)
    last = "transformer.output_layer.weight"

    mindspore_file.save_loaded(path, {name: each for name, each in loaded.items() if name != last})
    convert_back(programs, "chatglm3", code=28)
    assert programs.cause == (
        f"converted/glm.ckpt lacks 1 of the 11 parameters of given, the first is {last}; "
        f"is it the whole, merged checkpoint of this model?"
    )

    mindspore_file.save_loaded(path, {**loaded, last: mindspore.Tensor(np.zeros((3, 4), "float32"))})
    convert_back(programs, "chatglm3", code=28)
    assert programs.cause == (
        f"{last} is [3, 4] in converted/glm.ckpt but [429, 64] in the base model; "
        f"a shard of a parallel run must be merged first"
    )
