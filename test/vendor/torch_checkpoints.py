"""Our readers and writers of weights beside the real torch and safetensors."""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import conftest  # noqa: F401 (puts container/ on the path)
from checkpoints import convert, huggingface, torch_zip
from checkpoints import safetensors as ours
from checkpoints.safetensors import OutgoingTensor
from pod.exit_codes import Fault

KINDS = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.int64: "int64",
    torch.int32: "int32",
    torch.uint8: "uint8",
    torch.bool: "bool",
}


def state() -> OrderedDict[str, torch.Tensor]:
    """Return a state dict with every kind and shape that weights come in."""
    torch.manual_seed(0)
    whole = torch.randn(6, 10)
    found = OrderedDict((f"kind.{name}", (torch.randn(3, 4) * 100).to(kind)) for kind, name in KINDS.items())
    found.update(
        {
            "parameter": torch.nn.Parameter(torch.randn(5)),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 4),
            "row of another": whole[2],
            "column of another": whole[:, 3],
            "turned": whole.t(),
            "expanded": torch.arange(3).expand(2, 3),
            "special": torch.tensor([float("nan"), float("inf"), -0.0, 1e-40], dtype=torch.bfloat16),
        }
    )
    return found


def same(stored: object, tensor: torch.Tensor) -> bool:
    values = torch.from_numpy(np.array(stored.read()))
    expected = tensor.detach().to(torch.float32) if tensor.dtype is torch.bfloat16 else tensor.detach()
    return (stored.dtype, stored.shape) == (KINDS[tensor.dtype], tuple(tensor.shape)) and torch.equal(
        values.nan_to_num(7), expected.nan_to_num(7)
    )


def test_what_torch_saves_is_read(tmp_path: Path) -> None:
    torch.save(state(), tmp_path / "pytorch_model.bin")
    read = torch_zip.read(tmp_path / "pytorch_model.bin")
    assert list(read) == list(state())
    assert [name for name, tensor in state().items() if not same(read[name], tensor)] == []


def test_shards_with_torchs_index(tmp_path: Path) -> None:
    parts = [dict(list(state().items())[:5]), dict(list(state().items())[5:])]
    for number, part in enumerate(parts, 1):
        torch.save(part, tmp_path / f"pytorch_model-0000{number}-of-00002.bin")
    read = huggingface.weights(tmp_path)
    assert [name for name, tensor in state().items() if not same(read[name], tensor)] == []


def test_saved_weights_become_safetensors_and_the_rest_stays(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    parts = [dict(list(state().items())[:5]), dict(list(state().items())[5:])]
    for number, part in enumerate(parts, 1):
        torch.save(part, source / f"pytorch_model-0000{number}-of-00002.bin")
    (source / "config.json").write_text("{}")
    (source / "pytorch_model.bin.index.json").write_text(
        json.dumps({"weight_map": {name: "pytorch_model-00001-of-00002.bin" for name in parts[0]}
                    | {name: "pytorch_model-00002-of-00002.bin" for name in parts[1]}})
    )
    words = ["--from", "huggingface", "--to", "safetensors", "--family", "chatglm2", "--source", str(source)]

    assert convert.main([*words, "--output", str(target)]) == 0

    read = {}
    for path in target.glob("*.safetensors"):
        read.update(safetensors.torch.load_file(path))
    saved = {name: tensor.detach() for name, tensor in state().items()}
    assert {name: tensor.dtype for name, tensor in read.items()} == {
        name: tensor.dtype for name, tensor in saved.items()
    }
    assert all(torch.equal(read[name].nan_to_num(7), tensor.nan_to_num(7)) for name, tensor in saved.items())
    assert sorted(path.name for path in target.iterdir()) == [
        "config.json", "model-00001-of-00001.safetensors", "model.safetensors.index.json"
    ]


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save(state(), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Fault, match="is not a whole file of torch.save's zip format"):
        torch_zip.read(path)


def test_a_file_of_the_old_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save(state(), path, _use_new_zipfile_serialization=False)
    with pytest.raises(Fault, match="files from before torch 1.6 must be saved again by a newer torch"):
        torch_zip.read(path)


def test_a_whole_model_instead_of_its_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(Fault, match="it asks for torch.nn.modules.linear.Linear, which weights do not need"):
        torch_zip.read(path)


def test_what_safetensors_writes_is_read(tmp_path: Path) -> None:
    given = {name: tensor.detach().clone().contiguous() for name, tensor in state().items()}
    safetensors.torch.save_file(given, tmp_path / "model.safetensors")
    read = huggingface.weights(tmp_path)
    assert [name for name, tensor in given.items() if not same(read[name], tensor)] == []


def test_what_we_write_is_read_by_safetensors(tmp_path: Path) -> None:
    given = {name: tensor.detach().contiguous() for name, tensor in state().items()}
    torch.save(given, tmp_path / "pytorch_model.bin")
    stored = torch_zip.read(tmp_path / "pytorch_model.bin")
    (tmp_path / "out").mkdir()
    outgoing = [OutgoingTensor(name, each.dtype, each.shape, each.read) for name, each in stored.items()]
    count = huggingface.write_weights(tmp_path / "out", outgoing, most=100)
    assert count > 3
    found = {}
    for path in sorted((tmp_path / "out").glob("*.safetensors")):
        found.update(safetensors.torch.load_file(path))
    assert found.keys() == given.keys()
    for name, tensor in given.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name].nan_to_num(7), tensor.nan_to_num(7)), name


def test_bfloat16_is_rounded_as_torch_rounds(tmp_path: Path) -> None:
    torch.manual_seed(1)
    bits = torch.randint(-(2**31), 2**31 - 1, (100_000,), dtype=torch.int64).to(torch.int32)
    values = bits.view(torch.float32)
    ours.write(tmp_path / "a.safetensors", [OutgoingTensor("a", "bfloat16", (100_000,), values.numpy)])
    found = safetensors.torch.load_file(tmp_path / "a.safetensors")["a"]
    expected = values.to(torch.bfloat16)
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.nan_to_num(7).view(torch.int16), expected.nan_to_num(7).view(torch.int16))
