"""The sophon backend, with a stand-in for LLM-TPU's extension and for transformers' tokenizer."""

from __future__ import annotations

import pytest

from support.serve_server import Server

# The interface of chat.cpp (LLM-TPU@edb7f13e models/ChatGLM3/python_demo): it says the prompt's text backwards.
CHAT = """
import os
def say(*words):  # a whole line at once: the server logs beside it
    print(' '.join(map(str, words)) + chr(10), end='', flush=True)
class ChatGLM:
    SEQLEN = 64
    def init(self, devices, path):
        say('init', devices, os.path.basename(path))
    def forward_first(self, tokens):
        self.asked = [token for token in tokens if 32 <= token < 60000]
        self.token_length = len(tokens)
        self.repeat_last_n = min(self.repeat_last_n, self.token_length)
        say('repeat', self.repeat_penalty, self.repeat_last_n)
        say('mode', self.generation_mode, self.temperature, self.top_p)
        return self.forward_next()
    def forward_next(self):
        self.token_length += 1
        return self.asked.pop() if self.asked else 2
    def deinit(self):
        say('deinit')
"""

TRANSFORMERS = """
import os
SPECIAL = {'[gMASK]': 64790, 'sop': 64792, '<|user|>': 64795, '<|assistant|>': 64796, '<|observation|>': 64797}
class Inner:
    def convert_token_to_id(self, token):
        return SPECIAL.get(token, 0)
    def encode(self, text):
        return [ord(character) for character in text]
class Tokenizer:
    eos_token_id, unk_token_id = 2, 0
    all_special_tokens, all_special_ids = list(SPECIAL), list(SPECIAL.values()) + [2]
    def __init__(self):
        self.tokenizer = Inner()
    def decode(self, ids):
        return ''.join(map(chr, ids))
class AutoTokenizer:
    @staticmethod
    def from_pretrained(path, trust_remote_code):
        assert trust_remote_code
        if not os.path.isfile(path + '/tokenizer_config.json'):
            raise OSError(path + ' does not appear to have a file named config.json.')
        return Tokenizer()
"""


@pytest.fixture
def model(tmp_path):
    for name, text in (("packages/chat.py", CHAT), ("packages/transformers.py", TRANSFORMERS)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    folder = tmp_path / "bmodel"
    folder.mkdir()
    (folder / "chatglm3-6b_int8_1dev.bmodel").write_text("compiled")
    (folder / "tokenizer.model").write_text("pieces")
    (folder / "tokenizer_config.json").write_text("{}")
    return folder


@pytest.fixture
def devices(tmp_path):
    folder = tmp_path / "dev"
    folder.mkdir()
    (folder / "bm-sophon3").touch()
    (folder / "bmdev-ctl").touch()
    return folder


@pytest.fixture
def server(python, tmp_path, model, devices):
    options = ["--backend", "sophon", "--model-path", str(model), "--model-family", "chatglm3"]
    extension = [
        "--backend-option",
        f"extension={tmp_path / 'packages'}",
        "--backend-option",
        f"device-folder={devices}",
    ]
    env = {"PYTHONPATH": str(tmp_path / "packages")}
    with Server(python, *options, *extension, env=env) as running:
        running.wait_ready()
        yield running


def test_it_loads_the_bmodel_on_the_device_of_the_pod(server):
    server.says("init [3] chatglm3-6b_int8_1dev.bmodel")
    server.says("the extension has no seed: sampled answers differ, whatever seed says")
    assert server.get("/v1/models").json["data"][0]["id"] == "chatglm3-6b"


def test_it_answers_with_the_extensions_tokens(server):
    reply = server.chat("abc", temperature=0)
    assert reply.status == 200
    assert reply.json["choices"][0]["message"]["content"] == "cba"
    assert reply.json["choices"][0]["finish_reason"] == "stop"
    server.says("mode greedy 1.0 0.8")


def test_sampling_reaches_the_extension(server):
    server.chat("abc", temperature=0.3, top_p=0.5)
    server.says("mode penalty_sample 0.3 0.5")


@pytest.mark.parametrize(("temperature", "top_p"), [(0.0001, 0.5), (0.3, 0)])
def test_what_leaves_one_choice_is_greedy(server, temperature, top_p):
    server.chat("abc", temperature=temperature, top_p=top_p)
    server.says(f"mode greedy 1.0 {float(top_p)}")


def test_the_extension_is_told_of_every_number_that_it_reads(server):
    """It has no values of its own for them, and what it lowered for a short prompt is set anew."""
    server.chat("a", temperature=0.3)
    server.says("repeat 1.0 6")
    server.chat("x" * 40, temperature=0.3)
    server.says("repeat 1.0 32")


def test_a_stream_says_the_same(server):
    events = server.chat("abc", temperature=0, stream=True).events
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events) == "cba"


def test_the_compiled_length_ends_an_answer(server):
    reply = server.chat("x" * 40, temperature=0)
    choice = reply.json["choices"][0]
    assert choice["finish_reason"] == "length"
    assert 0 < len(choice["message"]["content"]) < 40


def test_a_prompt_beyond_the_compiled_length_is_refused(server):
    reply = server.chat("x" * 100)
    assert reply.status == 400
    assert "64" in reply.error["message"]


def test_max_tokens_ends_it(server):
    choice = server.chat("abc", temperature=0, max_tokens=2).json["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("cb", "length")


def test_the_device_is_given_back(server):
    assert server.end() == 0
    server.says("deinit")


@pytest.mark.parametrize(
    ("prepare", "options", "code", "cause"),
    [
        (
            lambda folder, _dev: (folder / "another.bmodel").write_text("x"),
            [],
            28,
            "{model} must hold one bmodel, or the option bmodel must name it; it holds another.bmodel,"
            " chatglm3-6b_int8_1dev.bmodel",
        ),
        (
            lambda _folder, dev: (dev / "bm-sophon5").touch(),
            [],
            31,
            "chatglm3-6b_int8_1dev.bmodel is compiled for 1 devices, but the pod has 3, 5",
        ),
        (
            lambda _folder, _dev: None,
            ["--backend-option", "devices=first"],
            31,
            "the sophon option devices is 'first': it must be auto or numbers like 0,1",
        ),
        (
            lambda _folder, _dev: None,
            ["--backend-option", "bmodel=none.bmodel"],
            31,
            "the sophon option bmodel is 'none.bmodel', which is not in {model}",
        ),
        (
            lambda _folder, _dev: None,
            ["--backend-option", "speed=9"],
            31,
            "the sophon backend has no option 'speed': it has bmodel, devices, extension, device-folder",
        ),
    ],
)
def test_what_cannot_be_served_is_said_at_once(python, tmp_path, model, devices, prepare, options, code, cause):
    prepare(model, devices)
    message = tmp_path / "termination"
    flags = ["--backend", "sophon", "--model-path", str(model), "--backend-option", f"device-folder={devices}"]
    with Server(python, *flags, *options, env={"TERMINATION_MESSAGE_PATH": str(message)}) as server:
        assert server.ended() == code
    assert message.read_text() == cause.format(model=model)


def test_a_folder_without_the_extension_is_named(python, tmp_path, model, devices):
    (tmp_path / "packages" / "chat.py").unlink()
    message = tmp_path / "termination"
    flags = ["--backend", "sophon", "--model-path", str(model), "--backend-option", f"device-folder={devices}"]
    env = {"TERMINATION_MESSAGE_PATH": str(message), "PYTHONPATH": str(tmp_path / "packages")}
    with Server(python, *flags, "--backend-option", f"extension={tmp_path / 'packages'}", env=env) as server:
        assert server.ended() == 31
    assert message.read_text() == (
        f"the sophon option extension is '{tmp_path}/packages', which has no chat*.so for this Python; build it in"
        " this image"
    )


def started(python, tmp_path, model, devices):
    options = ["--backend", "sophon", "--model-path", str(model), "--model-family", "chatglm3"]
    options += ["--backend-option", f"extension={tmp_path / 'packages'}"]
    options += ["--backend-option", f"device-folder={devices}"]
    env = {"PYTHONPATH": str(tmp_path / "packages"), "TERMINATION_MESSAGE_PATH": str(tmp_path / "termination")}
    return Server(python, *options, env=env)


def test_a_ready_bmodel_is_read_with_the_tokenizer_beside_the_extension(python, tmp_path, model, devices):
    (model / "tokenizer_config.json").unlink()
    beside = tmp_path / "packages" / "token_config"
    beside.mkdir()
    (beside / "tokenizer_config.json").write_text("{}")
    with started(python, tmp_path, model, devices) as server:
        server.wait_ready()
        assert server.chat("abc", temperature=0).json["choices"][0]["message"]["content"] == "cba"


def test_a_bmodel_without_a_tokenizer_says_what_is_missing(python, tmp_path, model, devices):
    (model / "tokenizer_config.json").unlink()
    with started(python, tmp_path, model, devices) as server:
        assert server.ended() == 28
    assert (tmp_path / "termination").read_text() == (
        f"no tokenizer can be read from {model}, which should have tokenizer.model, tokenizer_config.json and"
        f" tokenization_chatglm.py: {model} does not appear to have a file named config.json."
    )


def test_an_extension_whose_library_is_not_there_is_an_image_that_does_not_fit(python, tmp_path, model, devices):
    missing = "libbmrt.so.1.0: cannot open shared object file: No such file or directory"
    (tmp_path / "packages" / "chat.py").write_text(f"raise ImportError({missing!r})\n")
    with started(python, tmp_path, model, devices) as server:
        assert server.ended() == 30
    assert (tmp_path / "termination").read_text() == (
        f"the extension 'chat' of {tmp_path}/packages cannot be loaded: {missing}; libsophon must be in"
        " /opt/sophon/libsophon-current: in the image, which a folder of the node must not hide, or with"
        " mountLibsophon on the node"
    )


def test_a_tokenizer_of_the_first_revisions_wants_torch_which_the_image_need_not_have(python, tmp_path, model, devices):
    wanted = "This modeling file requires the following packages that were not found in your environment: torch."
    text = TRANSFORMERS.replace("        return Tokenizer()\n", f"        raise ImportError({wanted!r})\n")
    (tmp_path / "packages" / "transformers.py").write_text(text, encoding="utf-8")
    with started(python, tmp_path, model, devices) as server:
        assert server.ended() == 30
    assert (tmp_path / "termination").read_text() == (
        f"the tokenizer of {model} cannot be imported: {wanted}; it needs sentencepiece, and the code of ChatGLM3-6B's"
        " first revisions torch, too: take a revision of 2023-11 or later"
    )
