"""convert_checkpoint.py as a process: what ends it before MindSpore is needed."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import pytest

from support.script import Script

Header = dict


class Convert:
    """A source folder with weights, and the script."""

    def __init__(self, script: Script, folder: Path) -> None:
        self._script = script
        self.source = folder / "source"
        self.source.mkdir()
        self.output = folder / "output"

    def safetensors(self, name: str, header: object, values: bytes = b"") -> Path:
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return self.write(name, struct.pack("<Q", len(text)) + text + values)

    def torch(self, name: str, state: object) -> Path:
        """Write `state` as torch.save's zip would, were it not for its content."""
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(state, 2))
        return self.write(name, data.getvalue())

    def write(self, name: str, data: bytes) -> Path:
        path = self.source / name
        path.write_bytes(data)
        return path

    def __call__(self, *arguments: object) -> int:
        words = arguments or ("--from", "huggingface", "--to", "mindspore", "--file", "a.ckpt")
        return self._script.run("--family", "chatglm3", "--source", self.source, "--output", self.output, *words)[0]

    @property
    def cause(self) -> str:
        return self._script.cause


@pytest.fixture
def convert(python: str, container: Path, tmp_path: Path) -> Convert:
    return Convert(Script(python, container, "convert_checkpoint", tmp_path), tmp_path)


TENSOR = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}


def test_no_weights(convert: Convert) -> None:
    convert.write("config.json", b"{}")
    assert convert() == 28
    assert convert.cause == (
        f"{convert.source} has no weights: expected model*.safetensors or pytorch_model*.bin, found config.json"
    )


@pytest.mark.parametrize(
    ("header", "values", "mistake"),
    [
        ({"a": TENSOR}, b"123", "{path} has {size} bytes, its header says {more}: the file is not whole"),
        ({"a": {**TENSOR, "shape": [3]}}, b"1234", "(ValueError: (3,) of float16 are not 4 bytes)"),
        ({"a": {**TENSOR, "dtype": "F4"}}, b"1234", "(KeyError: 'F4')"),
        (b"version https", b"", "(JSONDecodeError: Expecting value: line 1 column 1 (char 0))"),
    ],
)
def test_a_broken_safetensors_file(convert: Convert, header: object, values: bytes, mistake: str) -> None:
    path = convert.safetensors("model.safetensors", header, values)
    size = path.stat().st_size
    expected = f"{path} is not a safetensors file: its header makes no sense {mistake}"
    if mistake.startswith("{path}"):
        expected = mistake.format(path=path, size=size, more=size + 1)
    assert convert() == 28
    assert convert.cause == expected


def test_a_pointer_instead_of_weights(convert: Convert) -> None:
    path = convert.write("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n")
    assert convert() == 28
    length = struct.unpack("<Q", b"version ")[0]
    assert convert.cause == f"{path} is not a safetensors file: its header would have {length} bytes"


def test_the_index_names_what_is_not_there(convert: Convert) -> None:
    convert.safetensors("model-00001-of-00002.safetensors", {"a": TENSOR}, b"1234")
    index = convert.write("model.safetensors.index.json", b"")
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index.write_text(json.dumps({"weight_map": names}))
    assert convert() == 28
    assert convert.cause == f"{index} names files that are not there: model-00002-of-00002.safetensors"

    index.write_text(json.dumps({"weight_map": {**names, "b": names["a"]}}))
    assert convert() == 28
    assert convert.cause == f"{index} names b in model-00001-of-00002.safetensors, which does not hold it"

    index.write_text("{}")
    assert convert() == 28
    assert convert.cause == f"{index} is no index of weights (KeyError: 'weight_map')"


class Evil:
    def __reduce__(self) -> tuple:
        return (print, ("ran",))


def test_a_pickle_cannot_run_code(convert: Convert) -> None:
    path = convert.torch("pytorch_model.bin", {"a": Evil()})
    assert convert() == 28
    assert convert.cause == (
        f"{path} holds no readable state dict (it asks for __builtin__.print, which weights do not need)"
    )


def test_a_file_of_old_torch(convert: Convert) -> None:
    path = convert.write("pytorch_model.bin", pickle.dumps({"a": 1}))
    assert convert() == 28
    assert convert.cause == (
        f"{path} is not a whole file of torch.save's zip format (File is not a zip file); files from before "
        f"torch 1.6 must be saved again by a newer torch"
    )


def test_something_else_than_a_state_dict(convert: Convert) -> None:
    path = convert.torch("pytorch_model.bin", [1, 2])
    assert convert() == 28
    assert convert.cause == f"{path} holds no state dict: expected one dictionary of names and tensors"


def test_an_image_without_mindspore(convert: Convert) -> None:
    convert.safetensors("model.safetensors", {"a": TENSOR}, b"1234")
    assert convert() == 30
    assert convert.cause == (
        "this image has no usable Python package mindspore (No module named 'mindspore'); "
        "the task needs it: use the runtime's image, or add mindspore to this one"
    )


@pytest.mark.parametrize(
    ("words", "mistake"),
    [
        (("mindspore", "mindspore", "a.ckpt"), "--from and --to are both mindspore; nothing is to be converted"),
        (
            ("mindspore", "huggingface", "a.ckpt"),
            "--to huggingface needs --base: configuration, code and tokenizer come from there",
        ),
        (("mindspore", "safetensors", "a.ckpt"), "--to safetensors needs --from huggingface"),
        (("huggingface", "mindspore", "a"), "--file is 'a'; MindSpore needs a plain file name that ends in .ckpt"),
        (
            ("huggingface", "mindspore", "b/a.ckpt"),
            "--file is 'b/a.ckpt'; MindSpore needs a plain file name that ends in .ckpt",
        ),
    ],
)
def test_wrong_words(convert: Convert, words: tuple[str, str, str], mistake: str) -> None:
    source, target, file = words
    assert convert("--from", source, "--to", target, "--file", file) == 20
    assert convert.cause == mistake
