"""The `transformers` backend on devices, with stand-ins for torch, its extensions and transformers."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest

from serve.backends.checkpoint_vocabulary import OLD, SLIM, check_vocabulary, embedding_rows
from support.serve_server import Server, eventually

STUBS = Path(__file__).parent / "support/stub_torch"
CONFIG = {
    "auto_map": {"AutoModel": "modeling_chatglm.ChatGLMForConditionalGeneration"},
    "vocab_size": 130528,
    "max_sequence_length": 64,
    "gmask_token_id": 256,
    "eos_token_id": 258,
}


def write_model(folder):
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


@pytest.fixture(scope="module")
def server(python, tmp_path_factory):
    with serving(python, write_model(tmp_path_factory.mktemp("cpu") / "model")) as server:
        server.wait_ready()
        yield server


def serving(python, model, *flags, **env):
    message = {"TERMINATION_MESSAGE_PATH": str(model.parent / "termination")}
    given = ["--backend", "transformers", "--model-path", str(model), "--model-family", "chatglm", *flags]
    return Server(python, *given, env={"PYTHONPATH": str(STUBS), "STUB_DEVICES": "1", **message, **env})


def cause(model):
    return (model.parent / "termination").read_text(encoding="utf-8")


class TestDevices:
    @pytest.mark.parametrize(
        ("flags", "line"),
        [
            ([], "stub model: float32 on cpu"),
            (["--backend-option", "device=mlu"], "stub model: float16 on mlu"),
            (
                ["--backend-option", "device=npu", "--backend-option", "data-type=bfloat16"],
                "stub model: bfloat16 on npu",
            ),
        ],
    )
    def test_the_model_is_on_the_device_and_answers(self, python, model, flags, line):
        with serving(python, model, *flags) as server:
            server.wait_ready()
            reply = server.chat("你好 🌍", max_tokens=30).json
        server.says(line)
        assert reply["choices"][0] == {
            "index": 0,
            "message": {"role": "assistant", "content": "你好 🌍"},
            "finish_reason": "stop",
            "logprobs": None,
        }
        assert reply["usage"] == {"prompt_tokens": 13, "completion_tokens": 12, "total_tokens": 25}

    def test_an_npu_compiles_no_operators_anew_for_each_length(self, python, model):
        with serving(python, model, "--backend-option", "device=npu") as server:
            server.wait_ready()
            server.end()
        assert ["stub torch.npu: jit_compile False", "stub model: float16 on npu"] == [
            line for line in server.lines if line.startswith("stub ")
        ]

    def test_a_seed_is_the_devices_too(self, python, model):
        with serving(python, model, "--backend-option", "device=mlu") as server:
            server.wait_ready()
            server.chat("x", seed=5)
        assert [line for line in server.lines if "seed" in line] == [
            "stub torch: seed 5",
            "stub torch.mlu: seed 5",
        ]
        server.says("stub model: float16 on mlu")

    def test_no_device_is_told(self, python, model):
        with serving(python, model, "--backend-option", "device=mlu", STUB_DEVICES="0") as server:
            assert server.ended() == 30
        assert (
            cause(model)
            == "torch_mlu is there but finds no device: check the pod's devices and its node's driver"
        )


class TestSettings:
    @pytest.mark.parametrize(
        ("asked", "told"),
        [
            ({"temperature": 0}, {"do_sample": False, "temperature": 1.0, "top_p": 1.0, "top_k": 50}),
            (
                {"temperature": 0.5, "top_p": 0},
                {"do_sample": False, "temperature": 1.0, "top_p": 1.0, "top_k": 50},
            ),
            (
                {"temperature": 0.5, "top_p": 0.9},
                {"do_sample": True, "temperature": 0.5, "top_p": 0.9, "top_k": 0},
            ),
            ({}, {"do_sample": True, "temperature": 0.95, "top_p": 0.7, "top_k": 0}),
        ],
    )
    def test_generate_is_told_everything(self, server, asked, told):
        server.lines.clear()
        server.chat("x", **asked)
        more = {"num_beams": 1, "eos_token_id": [258], "pad_token_id": 258}
        line = f"stub model: {sorted({**told, **more}.items())}"
        server.says(line)

    def test_a_shorter_context_may_be_set(self, python, model):
        with serving(python, model, "--context-length", "20") as server:
            server.wait_ready()
            assert server.chat("x" * 17).json["usage"]["prompt_tokens"] == 19
            assert server.chat("x" * 18).status == 400

    def test_scores_that_are_no_numbers_fail_the_request_and_not_the_server(self, python, model):
        with serving(python, model, STUB_NAN="1") as server:
            server.wait_ready()
            assert server.chat("x").error["message"] == "the model failed: ArithmeticError"
            assert server.get("/ready").status == 200

    def test_a_text_cannot_hold_a_special_token(self, server):
        reply = server.chat("a<eop>b").json
        assert reply["choices"][0]["message"]["content"] == "a<eop>b"


class TestRefused:
    @pytest.mark.parametrize(
        ("flags", "code", "message"),
        [
            (
                ["--backend-option", "device=gpu"],
                31,
                "the transformers option device is 'gpu': it must be one of cpu, npu, mlu",
            ),
            (
                ["--backend-option", "dtype=half"],
                31,
                "the transformers backend has no option 'dtype': it has device, data-type",
            ),
            (["--context-length", "65"], 31, "--context-length is 65, but the model's config allows 64"),
            (["--model-path", "/nowhere"], 31, "--model-path is '/nowhere', which is not a folder"),
            (
                ["--model-family", "glm4"],
                28,
                "the model's tokenizer has no token '<|user|>': check that --model-family is the model's own",
            ),
        ],
    )
    def test_mistakes_end_with_their_code_and_cause(self, python, model, flags, code, message):
        with serving(python, model, *flags) as server:
            assert server.ended() == code
        assert cause(model) == message

    def test_an_image_without_torch_is_named(self, python, model):
        with serving(python, model, PYTHONPATH="") as server:
            assert server.ended() == 30
        assert cause(model) == (
            "this image cannot import 'torch' (No module named 'torch'): "
            "use an image that has torch, transformers and what the model's code imports"
        )

    def test_a_model_without_a_context_needs_it_set(self, python, model):
        (model / "config.json").write_text(json.dumps({**CONFIG, "max_sequence_length": None}))
        with serving(python, model) as server:
            assert server.ended() == 31
        assert cause(model) == "the model's config does not say how long its context is: set --context-length"


class _Shaped:
    """Pickles as a tensor of torch does, without its values."""

    def __init__(self, *shape):
        self.shape = shape

    def __reduce__(self):
        return _rebuild_tensor_v2, (None, 0, self.shape, (1, 1), False, OrderedDict())


def _rebuild_tensor_v2(*_arguments):
    raise AssertionError("only its name counts")


def write_weights(path, rows):
    """A file of torch.save's format with an embedding of `rows` rows."""
    state = OrderedDict({"transformer.word_embeddings.weight": _Shaped(rows, 4096)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(state, 2))


class TestVocabularyOfChatglm6b:
    OLD_AND_SLIM = (
        "the weights in {} are for 150528 tokens (with those for images), but its config.json is for "
        "130528 tokens (without those for images): take weights, code and tokenizer of one revision"
    )

    def test_old_weights_with_slim_code_are_refused(self, python, model):
        write_weights(model / "pytorch_model-00001-of-00008.bin", 150528)
        with serving(python, model) as server:
            assert server.ended() == 28
        assert cause(model) == self.OLD_AND_SLIM.format(model)

    def test_the_index_says_where_to_look(self, model):
        write_weights(model / "pytorch_model-00003-of-00008.bin", OLD)
        (model / "pytorch_model-00001-of-00008.bin").write_bytes(b"other tensors")
        index = {"weight_map": {"transformer.word_embeddings.weight": "pytorch_model-00003-of-00008.bin"}}
        (model / "pytorch_model.bin.index.json").write_text(json.dumps(index))
        assert embedding_rows(model) == OLD

    def test_safetensors_are_read_too(self, model):
        header = json.dumps(
            {"transformer.word_embeddings.weight": {"dtype": "F16", "shape": [SLIM, 4096]}}
        ).encode()
        (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
        assert embedding_rows(model) == SLIM

    @pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
    def test_what_cannot_be_read_is_left_to_the_load(self, model, content):
        (model / "pytorch_model.bin").write_bytes(content)
        assert embedding_rows(model) is None
        check_vocabulary(model, SLIM)

    def test_weights_that_fit_pass(self, model):
        write_weights(model / "pytorch_model.bin", SLIM)
        check_vocabulary(model, SLIM)

    def test_no_code_in_a_file_is_run(self, model):
        with zipfile.ZipFile(model / "pytorch_model.bin", "w") as archive:
            archive.writestr(
                "archive/data.pkl", b"cos\nsystem\n(S'touch " + str(model).encode() + b"/ran'\ntR."
            )
        assert embedding_rows(model) is None
        assert not (model / "ran").exists()

    def test_a_tokenizer_of_another_revision_is_refused(self, python, model):
        (model / "config.json").write_text(json.dumps({**CONFIG, "gmask_token_id": 150001}))
        with serving(python, model) as server:
            assert server.ended() == 28
        assert cause(model) == (
            f"the tokenizer in {model} has [gMASK] as 256, but its config.json as 150001: "
            "take weights, code and tokenizer of one revision"
        )
