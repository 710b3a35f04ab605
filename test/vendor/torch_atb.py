"""The ATB backend over real torch: two ranks of the launcher, with gloo where a device has HCCL."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
import torch
from torch_models import REMOTE

sys.path.insert(0, str(Path(__file__).parents[1] / "container"))
from support.launched_server import LaunchedServer
from support.serve_server import CONTAINER, stream_bytes

HERE = Path(__file__).parent
EXAMPLE = HERE / "torch_atb_example"
NPU, ATB_SPEED = HERE / "torch_npu_stand_in", HERE.parent / "container" / "support" / "atb_packages"
NAMES = {
    "AutoConfig": "configuration_chatglm.ChatGLMConfig",
    "AutoModel": "modeling_chatglm.ChatGLMForConditionalGeneration",
}
VOCABULARY, HIDDEN = 260, 64


def write_part(folder: Path, tp_size: int, rank: int) -> None:
    """One rank's slice of one and the same model."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    embedding, up, down = torch.randn(VOCABULARY, HIDDEN), torch.randn(HIDDEN, HIDDEN), torch.randn(VOCABULARY, HIDDEN)
    weights = {
        "embedding.weight": embedding,
        "up.weight": up.chunk(tp_size)[rank],
        "down.weight": down.chunk(tp_size, dim=1)[rank],
    }
    torch.save({name: tensor.half().clone() for name, tensor in weights.items()}, folder / "pytorch_model.bin")
    config = {
        "model_type": "chatglm",
        "auto_map": NAMES,
        "world_size": tp_size,
        "float_layers_id": [0],
        "eos_token_id": 259,
    }
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(EXAMPLE / "configuration_chatglm.py", folder)
    (folder / "quantization.py").write_text("# none")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """The weights whole, and cut for two, as shard_weights.py leaves them; nobody may write there."""
    folder = tmp_path_factory.mktemp("model") / "chatglm2-6b.sharded-01"
    write_part(folder, 1, 0)
    for rank in (0, 1):
        write_part(folder / "tensor_parallel_tp2" / "part_model" / str(rank), 2, rank)
    (folder / "modeling_chatglm.py").write_text("raise ImportError('the standard modeling file')")
    shutil.copy(REMOTE / "tokenization_tiny.py", folder / "tokenization_chatglm.py")
    auto_map = {"AutoTokenizer": ["tokenization_chatglm.TinyTokenizer", None]}
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"auto_map": auto_map, "tokenizer_class": "TinyTokenizer"})
    )
    (folder / "tokenizer.model").write_text("none")
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"up.weight": "pytorch_model.bin"}}))
    return folder


class Pod(LaunchedServer):
    """The ATB backend with stand-ins for torch_npu and for what the modeling file imports of atb_speed."""

    def __init__(self, model: Path, folder: Path, size: int, **environment: str) -> None:
        self.calls = folder / "calls"
        self.message = folder / "termination"
        env = {"PYTHONPATH": f"{NPU}:{ATB_SPEED}", "NPU_CALLS": str(self.calls), "OMP_NUM_THREADS": "1"}
        env |= {"HF_HOME": str(folder / "home"), "TMPDIR": str(folder), "TERMINATION_MESSAGE_PATH": str(self.message)}
        flags = ["--model-path", str(model), "--model-family", "chatglm", "--backend-option", f"tree={EXAMPLE}"]
        super().__init__(sys.executable, CONTAINER / "serve_atb.py", size, flags, {**env, **environment})
        self.listening(60)

    def ready(self) -> Pod:
        limit = time.monotonic() + 90
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < limit, "\n".join(self.lines)
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.get("/ready").status == 200
        return False

    def noted(self, rank: int) -> list[str]:
        return Path(f"{self.calls}-{rank}").read_text().splitlines()

    def answer(self, text: str, **more: object) -> str:
        reply = self.chat(text, max_tokens=40, **more)
        assert reply.status == 200, reply.body
        return reply.json["choices"][0]["message"]["content"]


@pytest.fixture(scope="module")
def two(model, tmp_path_factory):
    with Pod(model, tmp_path_factory.mktemp("two"), 2) as pod:
        yield pod.ready()


def expected(model: Path, text: str, count: int) -> str:
    """The likeliest answer, computed here from the whole weights."""
    weights = {name: tensor.float() for name, tensor in torch.load(model / "pytorch_model.bin").items()}
    memory, ids, answer = torch.zeros(HIDDEN), [*text.encode(), 257, 258], []
    while len(answer) < count:
        for token in ids:
            memory = 0.9 * memory + weights["embedding.weight"][token]
        ids = [int((torch.sin(2 * weights["up.weight"] @ memory) @ weights["down.weight"].T).half().argmax())]
        if ids == [259]:
            break
        answer += ids
    return bytes(token for token in answer if token < 256).decode("utf-8", "replace")


class TestTwoRanks:
    def test_the_answer_is_that_of_the_whole_weights(self, model, two):
        for text in ("hello", "another question", "x"):
            made, wanted = two.answer(text, temperature=0), expected(model, text, 40)
            assert len(wanted) > 3
            assert made == wanted.rstrip("\ufffd")

    def test_one_device_says_the_same(self, model, two, tmp_path):
        with Pod(model, tmp_path, 1) as one:
            one.ready()
            assert one.answer("hello", temperature=0) == two.answer("hello", temperature=0)
            assert one.noted(0) == ["device 0", "jit_compile False"]
            assert one.end() == 0

    def test_the_same_seed_says_the_same_and_another_seed_something_else(self, two):
        first, again, other = (two.answer("hello", temperature=1.0, top_p=0.9, seed=seed) for seed in (1, 1, 2))
        assert first == again != other

    def test_each_rank_has_its_device_and_joins_by_hccl(self, two):
        for rank in (0, 1):
            assert two.noted(rank) == ["process group hccl", f"device {rank}", "jit_compile False"]

    def test_a_client_that_leaves_frees_both_ranks(self, model, two):
        with two.connect() as connection:
            connection.sendall(stream_bytes("hello"))
            connection.recv(1000)
        two.wait_metric("running", 0)
        assert two.answer("x", temperature=0) == expected(model, "x", 40).rstrip("\ufffd")

    def test_the_artifact_is_as_it_was(self, model, two):
        assert "standard modeling file" in (model / "modeling_chatglm.py").read_text()
        assert not list(model.rglob("__pycache__"))
        assert not (model / "tensor_parallel_tp2" / "part_model" / "0" / "modeling_chatglm.py").exists()


def test_an_image_without_atb_speed_is_named_before_transformers_refuses_the_model(model, tmp_path):
    with Pod(model, tmp_path, 1, PYTHONPATH=str(NPU)) as pod:
        assert pod.ended(90) == 30
        assert "this image cannot import 'atb_speed.common.arch.post_process.sample'" in pod.message.read_text()


class TestOtherChips:
    def test_the_310p_has_its_matrices_in_blocks(self, model, tmp_path):
        with Pod(model, tmp_path, 2, NPU_CHIP="202") as pod:
            pod.ready()
            assert pod.noted(1)[3:] == ["format 29 (32, 64)", "format 29 (260, 32)"]
            assert pod.end() == 0

    def test_the_910a_is_refused(self, model, tmp_path):
        with Pod(model, tmp_path, 1, NPU_CHIP="104") as pod:
            assert pod.ended(90) == 30
            cause = "these kernels are for Ascend 310P and 910B, and this chip (SoC version 104) is neither"
            assert cause in pod.message.read_text()

    def test_a_rank_that_is_killed_takes_the_pod_down(self, model, tmp_path):
        with Pod(model, tmp_path, 2) as pod:
            pod.ready()
            children = [
                int(part)
                for part in Path(f"/proc/{pod.process.pid}/task/{pod.process.pid}/children").read_text().split()
            ]
            os.kill(children[1], 9)
            began = time.monotonic()
            assert pod.ended(30) == 137
            assert time.monotonic() - began < 15
            assert pod.message.read_text().startswith("rank 1 was ended by SIGKILL (code 137)")
