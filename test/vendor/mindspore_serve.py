"""serve_model.py with the `mindformers` backend over the real MindFormers: what it says is what `generate` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import mindspore
import numpy as np
import pytest
import sentencepiece
import yaml
from mindformers import AutoModel, ChatGLM3Tokenizer, MindFormerConfig
from mindformers.core.context import build_context

sys.path.insert(0, str(Path(__file__).parents[1] / "container"))
from support.serve_server import Server, chat_body, eventually

HERE = Path(__file__).parent
CONFIGS = next(Path(each, "configs/glm3") for each in sys.path if Path(each, "configs/glm3").is_dir())
CORPUS = "你好 世界 裙子 红色 The quick brown fox jumps over the lazy dog. 类型#裙*颜色#红色 \n" * 20
TINY = {
    "num_layers": 1,
    "padded_vocab_size": 429,
    "hidden_size": 64,
    "ffn_hidden_size": 128,
    "kv_channels": 16,
    "num_attention_heads": 4,
    "multi_query_group_num": 2,
    "seq_length": 96,
    "max_decode_length": 96,
    "use_past": False,
    "use_flash_attention": False,
    "is_dynamic": False,
    "compute_dtype": "float32",
    "param_init_type": "float32",
}
QUESTION, COUNT = "你好", 30
ASKED = [
    {"temperature": 0},
    {"temperature": 1.4, "top_p": 0.98, "seed": 7},
    {"temperature": 2.0, "top_p": 1, "seed": 8},
]
ENVIRONMENT = {"PYTHONPATH": str(HERE / "cpu"), "MF_CPU_SHIM": "1", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module", autouse=True)
def elsewhere(tmp_path_factory):
    """MindSpore writes logs and graphs into the working directory."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("work"))
    yield
    os.chdir(before)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A folder with a tiny ChatGLM3 as a checkpoint, its tokenizer and its config."""
    folder = tmp_path_factory.mktemp("model")
    trained = dict(
        vocab_size=420,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=1.0,
        pad_id=-1,
        bos_id=1,
        eos_id=2,
        unk_id=0,
    )
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.splitlines()),
        model_prefix=str(folder / "tokenizer"),
        hard_vocab_limit=False,
        minloglevel=2,
        **trained,
    )
    config = yaml.safe_load((CONFIGS / "predict_glm3_6b.yaml").read_text())
    config["context"] = {"mode": 0, "device_target": "CPU", "device_id": 0}
    config["model"]["model_config"].update(TINY)
    (folder / "predict.yaml").write_text(yaml.safe_dump(config))
    build_context(MindFormerConfig(str(folder / "predict.yaml")))
    network = AutoModel.from_config(MindFormerConfig(str(folder / "predict.yaml")), download_checkpoint=False)
    random = np.random.default_rng(5)
    saved = [
        {"name": each.name, "data": mindspore.Tensor(weights(random, each.name, each.shape))}
        for each in network.get_parameters()
    ]
    mindspore.save_checkpoint(saved, str(folder / "glm3_6b.ckpt"))
    return folder


def weights(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values so wide that the next token depends on what was said; norms stay near 1."""
    if len(shape) == 1:
        return np.full(shape, 0 if name.endswith("bias") else 1, np.float32)
    return random.normal(0, 1 if "embedding" in name else 4 / np.sqrt(shape[-1]), shape).astype(np.float32)


@pytest.fixture(scope="module")
def server(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    env = {**ENVIRONMENT, "LOG_MF_PATH": str(folder)}
    flags = [
        "--backend",
        "mindformers",
        "--model-path",
        str(model),
        "--backend-option",
        f"config={model / 'predict.yaml'}",
    ]
    with Server(sys.executable, *flags, env=env) as server:
        eventually(lambda: server.get("/ready").status == 200, "the server is ready", timeout=90)
        yield server


@pytest.fixture(scope="module")
def reference(model, tmp_path_factory):
    """The prompt's ids, and for each of ASKED what `generate` makes of them."""
    settings = [
        {**asked, "do_sample": True, "top_k": 0} if asked["temperature"] else {"do_sample": False} for asked in ASKED
    ]
    made = subprocess.run(
        [
            sys.executable,
            HERE / "generate_with_mindformers.py",
            model,
            QUESTION,
            str(COUNT),
            *map(json.dumps, settings),
        ],
        env={**os.environ, **ENVIRONMENT},
        cwd=tmp_path_factory.mktemp("reference"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout.splitlines()[-1])


def text_of(tokenizer: ChatGLM3Tokenizer, ids: list[int]) -> str:
    """The text of ids, without those that pad the embedding and the bytes of a character that was not finished."""
    text = tokenizer.decode([each for each in ids if each < tokenizer.vocab_size]).lstrip()
    return text[: len(text) - min(3, len(text) - len(text.rstrip("\ufffd")))]


def streamed(server: Server, body: dict) -> tuple[str, str, dict]:
    """Text, finish reason and usage of a streamed answer."""
    reply = server.request(
        "POST", "/v1/chat/completions", {**body, "stream": True, "stream_options": {"include_usage": True}}
    )
    *chunks, last = reply.events
    choices = [chunk["choices"][0] for chunk in chunks]
    return "".join(each["delta"].get("content", "") for each in choices), choices[-1]["finish_reason"], last["usage"]


@pytest.mark.parametrize("index", range(len(ASKED)))
def test_says_what_generate_makes(model, server, reference, index):
    tokenizer = ChatGLM3Tokenizer(str(model / "tokenizer.model"))
    ids, expected = reference[0], reference[1 + index]
    assert index == 0 or len(set(expected)) > 5, "a model that repeats itself would prove nothing"
    reply = server.chat(QUESTION, max_tokens=COUNT, **ASKED[index]).json
    ends = [each for each in (2, *tokenizer.convert_tokens_to_ids(["<|user|>", "<|observation|>"])) if each in expected]
    said = expected[: min(expected.index(each) for each in ends)] if ends else expected
    assert reply["usage"]["prompt_tokens"] == len(ids)
    assert reply["usage"]["completion_tokens"] == len(said) + bool(ends)
    assert reply["choices"][0]["message"]["content"] == text_of(tokenizer, said)


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"temperature": 1.2, "top_p": 0.9, "seed": 3}])
def test_a_stream_equals_the_whole_answer(server, settings):
    body = chat_body(QUESTION, max_tokens=20, **settings)
    whole = server.request("POST", "/v1/chat/completions", body).json
    text, reason, usage = streamed(server, body)
    assert (text, reason, usage) == (
        whole["choices"][0]["message"]["content"],
        whole["choices"][0]["finish_reason"],
        whole["usage"],
    )


def test_answers_without_a_seed_differ(server):
    replies = [server.chat(QUESTION, temperature=2, top_p=1, max_tokens=12) for _ in range(3)]
    assert [reply.status for reply in replies] == [200] * 3, "\n".join(server.lines)
    assert len({reply.json["choices"][0]["message"]["content"] for reply in replies}) > 1


def test_an_answer_that_is_ended_early_leaves_the_model_whole(server):
    before = server.chat(QUESTION, temperature=0, max_tokens=20).json["choices"][0]["message"]["content"]
    stop = before[2:4]
    stopped = server.chat(QUESTION, temperature=0, max_tokens=20, stop=stop).json
    assert stopped["choices"][0] == {
        **stopped["choices"][0],
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": before[: before.index(stop)]},
    }
    assert server.chat(QUESTION, temperature=0, max_tokens=20).json["choices"][0]["message"]["content"] == before


def test_a_prompt_longer_than_the_context_is_refused(server):
    reply = server.chat("x9 " * 90)
    assert reply.status == 400
    assert reply.error["message"].endswith("tokens, but with its answer it may have 96: shorten it")
