"""serve_model.py with the `transformers` backend over the real packages: what it says is what `generate` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch_models import ROLES, SPECIALS, byte_tokenizer, write_glm, write_remote
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, Glm4Config, GlmConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "container"))
from support.serve_server import Server, chat_body, eventually, post

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
QUESTION = "你好, GLM"
torch.set_num_threads(1)  # more would wait for each other, the models are that small


def serving(folder: Path, family: str = "glm4", *flags: str, **env: str) -> Server:
    flags = ("--backend", "transformers", "--model-path", str(folder), "--model-family", family, *flags)
    return Server(sys.executable, *flags, env={"HF_HOME": str(folder.parent / "cache"), "OMP_NUM_THREADS": "1", **env})


def old_transformers() -> str:
    """The folder of an old transformers, for PYTHONPATH."""
    here = Path(__file__).parent
    command = ["sh", here.parent / "venv.sh", here / "torch-transformers-4.27.txt"]
    env = {**os.environ, "PIP_NO_DEPS": "1", "PYTHON_FOR_TOOLS": sys.executable}
    folder = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()
    return str(Path(folder).parent / "lib/python3.11/site-packages")


def wait_ready(server: Server) -> None:
    """Wait for the import of torch, which takes long where others use the machine too."""
    eventually(lambda: server.get("/ready").status == 200, "the server is ready", timeout=120)


@pytest.fixture(scope="module", params=[GlmConfig, Glm4Config], ids=["glm", "glm4"])
def glm(request, tmp_path_factory):
    return write_glm(tmp_path_factory.mktemp("model") / "model", request.param)


@pytest.fixture(scope="module")
def server(glm):
    with serving(glm) as server:
        wait_ready(server)
        yield server


def prompt_ids(tokenizer, question: str = QUESTION) -> list[int]:
    """The form of GLM-4's chat template, put together by hand."""
    role, answer = tokenizer.convert_tokens_to_ids(["<|user|>", "<|assistant|>"])
    mask, start = tokenizer.convert_tokens_to_ids(["[gMASK]", "<sop>"])
    return [mask, start, role, *tokenizer.encode("\n" + question, add_special_tokens=False), answer]


def generated(folder: Path, ids: list[int], count: int, **settings) -> list[int]:
    """What `generate` makes of the ids, in this process."""
    model = AutoModelForCausalLM.from_pretrained(folder)
    ends = byte_tokenizer().convert_tokens_to_ids(["<|endoftext|>", "<|user|>", "<|observation|>"])
    settings = {"do_sample": False, "eos_token_id": ends, **settings}
    made = model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=count, **settings
    )
    return made[0, len(ids) :].tolist()


def text_of(tokenizer, ids: list[int]) -> str:
    """The text of ids: without special tokens (but the one that begins a turn) and bytes of an unfinished character."""
    hidden = {*tokenizer.convert_tokens_to_ids([*SPECIALS, *ROLES])} - {
        tokenizer.convert_tokens_to_ids("<|assistant|>")
    }
    return finished(tokenizer.decode([each for each in ids if each not in hidden]))


def text_of_remote(tokenizer, ids: list[int]) -> str:
    """The text of ids, without those that pad the embedding."""
    return finished(tokenizer.decode([each for each in ids if each < len(tokenizer)]))


def finished(text: str) -> str:
    """The text without the bytes of an unfinished character at its end."""
    return text[: len(text) - min(3, len(text) - len(text.rstrip("\ufffd")))]


def streamed(server: Server, body: dict) -> tuple[str, str, dict]:
    """Text, finish reason and usage of a streamed answer."""
    reply = server.request("POST", CHAT, {**body, "stream": True, "stream_options": {"include_usage": True}})
    *chunks, last = reply.events
    choices = [chunk["choices"][0] for chunk in chunks]
    return "".join(each["delta"].get("content", "") for each in choices), choices[-1]["finish_reason"], last["usage"]


class TestSameAsGenerate:
    def test_greedy(self, glm, server):
        tokenizer = byte_tokenizer()
        expected = generated(glm, prompt_ids(tokenizer), 40)
        assert len(set(expected)) > 5, "a model that repeats itself would prove nothing"
        choice = server.chat(QUESTION, temperature=0, max_tokens=40).json["choices"][0]
        assert choice["message"]["content"] == text_of(tokenizer, expected).lstrip()
        assert choice["finish_reason"] == "length"

    @pytest.mark.parametrize(("temperature", "top_p", "seed"), [(1.0, 1.0, 5), (0.7, 0.8, 11)])
    def test_sampled_with_a_seed(self, glm, server, temperature, top_p, seed):
        tokenizer = byte_tokenizer()
        torch.manual_seed(seed)
        expected = generated(
            glm, prompt_ids(tokenizer), 40, do_sample=True, temperature=temperature, top_p=top_p, top_k=0
        )
        reply = server.chat(QUESTION, temperature=temperature, top_p=top_p, seed=seed, max_tokens=40)
        text = text_of(tokenizer, expected).lstrip()
        assert reply.json["choices"][0]["message"]["content"] == text

    def test_usage_counts_the_tokens_of_the_model(self, server):
        usage = server.chat(QUESTION, temperature=0, max_tokens=17).json["usage"]
        prompt = len(prompt_ids(byte_tokenizer()))
        assert usage == {"prompt_tokens": prompt, "completion_tokens": 17, "total_tokens": prompt + 17}

    def test_a_completion_has_no_roles(self, glm, server):
        tokenizer = byte_tokenizer()
        ids = [
            *tokenizer.convert_tokens_to_ids(["[gMASK]", "<sop>"]),
            *tokenizer.encode("Once", add_special_tokens=False),
        ]
        expected = text_of(tokenizer, generated(glm, ids, 12))
        body = {"model": "chatglm3-6b", "prompt": "Once", "max_tokens": 12, "temperature": 0}
        assert server.request("POST", COMPLETIONS, body).json["choices"][0]["text"] == expected


class TestStream:
    @pytest.mark.parametrize("settings", [{"temperature": 0}, {"temperature": 1.5, "top_p": 0.95, "seed": 3}])
    def test_equals_the_whole_answer(self, server, settings):
        body = chat_body(QUESTION, max_tokens=60, **settings)
        whole = server.request("POST", CHAT, body).json
        text, reason, usage = streamed(server, body)
        assert (text, reason, usage) == (
            whole["choices"][0]["message"]["content"],
            whole["choices"][0]["finish_reason"],
            whole["usage"],
        )

    def test_a_stop_text_ends_it(self, server):
        body = chat_body(QUESTION, max_tokens=60, temperature=0)
        whole = server.request("POST", CHAT, body).json["choices"][0]["message"]["content"]
        stop = whole[4:6]
        text, reason, usage = streamed(server, {**body, "stop": stop})
        assert (text, reason) == (whole[: whole.index(stop)], "stop")
        assert usage["completion_tokens"] < 60

    def test_a_client_that_leaves_frees_the_model(self, server):
        before = server.metric("completion_tokens_total")
        with server.connect() as connection:
            connection.sendall(post(CHAT, json.dumps(chat_body("go", stream=True, temperature=0)).encode()))
            connection.recv(300)
        server.wait_metric('cancelled_total{cause="client_left"}', 1)
        assert server.metric("completion_tokens_total") - before < 400, "it went on until its context was full"
        assert server.chat("next", max_tokens=2, temperature=0).status == 200


class TestText:
    def test_the_name_of_a_special_token_in_a_question_is_text(self, server):
        tokenizer = byte_tokenizer()
        said = "a<|assistant|>b[gMASK]"
        usage = server.chat(said, max_tokens=1).json["usage"]
        assert usage["prompt_tokens"] == len(prompt_ids(tokenizer, "")) + len(said)

    def test_a_prompt_longer_than_the_context_is_refused(self, server):
        reply = server.chat("x" * 600)
        assert (reply.status, reply.error["message"]) == (
            400,
            "the prompt has 605 tokens, but with its answer it may have 512: shorten it",
        )

    def test_an_end_token_of_the_model_ends_the_answer(self, tmp_path):
        tokenizer = byte_tokenizer()
        glm = write_glm(tmp_path / "model", GlmConfig)
        said = generated(glm, prompt_ids(tokenizer), 20)
        end = next(token for token in said[5:] if said.index(token) >= 5)
        other = write_glm(tmp_path / "other", GlmConfig, eos_token_id=[end])
        with serving(other) as server:
            wait_ready(server)
            reply = server.chat(QUESTION, temperature=0, max_tokens=50).json
        length = said.index(end)
        assert reply["usage"]["completion_tokens"] == length + 1
        assert reply["choices"][0]["finish_reason"] == "stop"
        assert reply["choices"][0]["message"]["content"] == text_of(tokenizer, said[:length]).lstrip()


class TestRemoteCode:
    @pytest.mark.parametrize("version", ["4.27", "5"])
    def test_says_what_its_own_generate_makes(self, tmp_path, monkeypatch, version):
        monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
        folder = write_remote(tmp_path / "model")
        env = {"PYTHONPATH": old_transformers()} if version == "4.27" else {}
        with serving(folder, "chatglm", **env) as server:
            wait_ready(server)
            text, reason, usage = streamed(server, chat_body(QUESTION, temperature=0, max_tokens=30))
            server.says(f"transformers {version}.")
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
        model = AutoModel.from_pretrained(folder, trust_remote_code=True)
        ids = [*tokenizer.encode(QUESTION, add_special_tokens=False), 257, 258]
        made = model.generate(torch.tensor([ids]), max_new_tokens=30, do_sample=False)[0, len(ids) :].tolist()
        assert usage["prompt_tokens"] == len(QUESTION.encode()) + 2
        assert (text, reason) == (text_of_remote(tokenizer, made).lstrip(), "length" if 259 not in made else "stop")

    def test_weights_of_another_revision_are_refused_before_they_are_read(self, tmp_path):
        folder = write_remote(tmp_path / "model")
        torch.save({"transformer.word_embeddings.weight": torch.zeros(150528, 1)}, folder / "pytorch_model.bin")
        config = (folder / "config.json").read_text()
        (folder / "config.json").write_text(config.replace('"vocab_size": 300', '"vocab_size": 130528'))
        message = tmp_path / "termination"
        with serving(folder, "chatglm", TERMINATION_MESSAGE_PATH=str(message)) as server:
            assert server.ended(60) == 28
        assert message.read_text() == (
            f"the weights in {folder} are for 150528 tokens (with those for images), but its config.json is for "
            "130528 tokens (without those for images): take weights, code and tokenizer of one revision"
        )
