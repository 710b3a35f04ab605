"""The `mindformers` backend, with stand-ins for MindSpore and MindFormers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.serve_server import Server, chat_body, eventually

STUBS = Path(__file__).parent / "support/stub_mindformers"
MODEL = {"seq_length": 2048, "block_size": 16, "num_blocks": 128, "eos_token_id": 2, "batch_size": 8}
CONFIG = {"model": {"model_config": MODEL}, "processor": {"tokenizer": {"type": "ChatGLM3Tokenizer"}}}


def write_model(folder):
    folder.mkdir()
    (folder / "predict.yaml").write_text(json.dumps(CONFIG))
    (folder / "glm3_6b.ckpt").write_text("the weights")
    (folder / "tokenizer.model").write_text("the tokenizer")
    return folder


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path / "model")


def serving(python, model, *flags, options=None, **env):
    given = {"config": model / "predict.yaml"} if options is None else options
    pairs = [word for name, value in given.items() for word in ("--backend-option", f"{name}={value}")]
    message = {"TERMINATION_MESSAGE_PATH": str(model.parent / "termination")}
    return Server(
        python,
        *("--backend", "mindformers", "--model-path", str(model)),
        *(*pairs, *flags),
        env={"PYTHONPATH": str(STUBS), **message, **env},
    )


@pytest.fixture(scope="module", params=["new", "old"])
def server(request, python, tmp_path_factory):
    model = write_model(tmp_path_factory.mktemp("server") / "model")
    with serving(python, model, "--context-length", "500", STUB_VERSION=request.param) as server:
        server.wait_ready()
        server.version = request.param
        yield server


def cause(model):
    return (model.parent / "termination").read_text(encoding="utf-8")


class TestServes:
    def test_the_config_is_made_for_one_request_and_the_context(self, server):
        server.says(
            "stub model: [('batch_size', 1), ('block_size', 16), ('checkpoint_name_or_path', 'glm3_6b.ckpt'), "
            "('eos_token_id', 2), ('num_blocks', 32), ('seq_length', 500)]"
        )

    def test_a_version_that_cannot_sample_says_so(self, server):
        warning = "this version always takes the best token, whatever temperature, top_p and seed say"
        assert any(line.endswith(warning) for line in server.lines) == (server.version == "old")

    def test_answers(self, server):
        reply = server.chat("你好 🌍").json
        assert reply["choices"][0]["message"]["content"] == "你好 🌍"
        assert reply["choices"][0]["finish_reason"] == "stop"
        assert reply["usage"] == {"prompt_tokens": 16, "completion_tokens": 12, "total_tokens": 28}

    @pytest.mark.parametrize("ended", [{"stop": "b"}, {"max_tokens": 1}])
    def test_an_answer_that_is_ended_early_gives_the_blocks_of_the_cache_back(self, server, ended):
        assert server.chat("abc", **ended).json["choices"][0]["message"]["content"] == "a"
        assert server.chat("abc").json["choices"][0]["message"]["content"] == "abc"

    def test_a_stream_holds_back_unfinished_characters(self, server):
        reply = server.request("POST", "/v1/chat/completions", chat_body("好🌍", stream=True))
        texts = [event["choices"][0]["delta"].get("content", "") for event in reply.events]
        assert "".join(texts) == "好🌍"
        assert not any("\ufffd" in text for text in texts)

    @pytest.mark.parametrize(
        ("asked", "new", "old"),
        [
            (
                {"temperature": 0, "max_tokens": 9},
                {"do_sample": False, "top_k": 1, "top_p": 1.0, "seed": None},
                {"do_sample": False, "top_k": 1, "top_p": 1.0},
            ),
            (
                {"temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 9},
                {"do_sample": True, "top_k": 0, "top_p": 0.9, "seed": 7, "temperature": 0.5},
                {"do_sample": False, "top_k": 1, "top_p": 1.0},
            ),
        ],
    )
    def test_generate_is_told_what_the_version_knows(self, server, asked, new, old):
        prompt = server.chat("x", **asked).json["usage"]["prompt_tokens"]
        told = {**(new if server.version == "new" else old), "max_length": prompt + 9}
        line = f"stub generate: {sorted(told.items())}"
        server.says(line)

    def test_without_a_seed_each_answer_has_its_own(self, server):
        for _ in range(3):
            server.chat("one of three", temperature=1, max_tokens=77)

        def said():
            return [line for line in server.lines if line.startswith("stub generate") and length in line]

        length = f"('max_length', {server.chat('one of three', max_tokens=1).json['usage']['prompt_tokens'] + 77})"
        eventually(lambda: len(said()) == 3, "the log says what three answers were made with")
        assert len(set(said())) == (3 if server.version == "new" else 1)


class TestContext:
    def test_the_files_own(self, python, model):
        with serving(python, model) as server:
            server.wait_ready()
            server.says("context 2048 tokens")
            server.says("('num_blocks', 128), ('seq_length', 2048)")

    def test_a_longer_one(self, python, model):
        with serving(python, model, "--context-length", "8192") as server:
            server.wait_ready()
            server.says("('num_blocks', 512), ('seq_length', 8192)")


class TestRefused:
    def test_no_config(self, python, model):
        with serving(python, model, options={}) as server:
            assert server.ended() == 31
        assert cause(model) == (
            "the mindformers backend needs its model's file: --backend-option config=FILE.yaml"
        )

    def test_several_checkpoints_unless_one_is_named(self, python, model):
        (model / "glm3_6b_lora.ckpt").write_text("other weights")
        with serving(python, model) as server:
            assert server.ended() == 28
        assert cause(model) == (
            f"{model} holds 2 checkpoints: it has glm3_6b.ckpt, glm3_6b_lora.ckpt; "
            "name one by --backend-option checkpoint-file=NAME"
        )
        named = {"config": model / "predict.yaml", "checkpoint-file": "glm3_6b.ckpt"}
        with serving(python, model, options=named) as server:
            server.wait_ready()

    def test_a_checkpoint_that_is_not_there(self, python, model):
        named = {"config": model / "predict.yaml", "checkpoint-file": "other.ckpt"}
        with serving(python, model, options=named) as server:
            assert server.ended() == 28
        assert cause(model) == f"{model} holds no 'other.ckpt': it has glm3_6b.ckpt"

    def test_no_tokenizer(self, python, model):
        (model / "tokenizer.model").unlink()
        with serving(python, model) as server:
            assert server.ended() == 28
        assert cause(model) == f"{model} has no tokenizer: expected tokenizer.model or ice_text.model"

    def test_a_tokenizer_that_this_version_does_not_have(self, python, model):
        config = {**CONFIG, "processor": {"tokenizer": {"type": "ChatGLM4Tokenizer"}}}
        (model / "predict.yaml").write_text(json.dumps(config))
        with serving(python, model) as server:
            assert server.ended() == 30
        assert (
            cause(model)
            == "this image's MindFormers has no ChatGLM4Tokenizer, which the model's config names"
        )

    def test_an_image_without_mindspore(self, python, model):
        with serving(python, model, PYTHONPATH="") as server:
            assert server.ended() == 30
        assert cause(model) == (
            "this image cannot import 'mindspore' (No module named 'mindspore'): use an image that has "
            "MindSpore and MindFormers, or set PYTHONPATH to a source tree of MindFormers"
        )
