"""A store with a ChatGLM2 model, C-Eval and the stand-ins for ModelLink, and the steps as processes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from support.script import Script

EXAMPLE = "mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b"
PACKAGES = Path(__file__).parent / "atb_packages"
QUANTIZED = "deq_scale fp_bias input_offset input_scale quant_bias quant_weight weight_offset weight_scale"


class Steps:
    """The folders, and how to run one step."""

    def __init__(self, python: str, container: Path, folder: Path) -> None:
        self._python, self._container, self._folder = python, container, folder
        self.store = folder / "store"
        self.tree = self.store / "model-link-839b2483"
        self.weights = self.store / "weights-01"
        self.ceval = self.store / "ceval-01"
        shutil.copytree(Path(__file__).parent / "modellink", self.tree / EXAMPLE)
        _write_model(self.weights)
        _write_ceval(self.ceval)

    def script(self, name: str) -> Script:
        return Script(self._python, self._container, name, self._folder, PYTHONPATH=str(PACKAGES))

    def run(self, name: str, *flags: object, **environment: str) -> tuple[int, str]:
        return self.script(name).run("--tree", self.tree, *flags, **environment)

    def under_task(self, output: Path, name: str, *flags: object) -> list[object]:
        """The command line of run_task.py around a step, as pods have it."""
        step = [self._python, self._container / f"{name}.py", "--tree", self.tree, "--output", output, *flags]
        about = ["--name", output.name, "--lineage", "01", "--format", "atb-sharded"]
        return ["--output", output, *about, "--lease-heartbeat", "0.1", "--lease-takeover", "0.5", "--", *step]

    def cause(self, name: str) -> str:
        return self.script(name).cause

    def quantized(self, precision: str) -> Path:
        """The eight files, as quantize_weights.py makes them, made once."""
        output = self.store / f"quantized-{precision}"
        if output.exists():
            return output
        flags = ("--source", self.weights, "--dataset", self.ceval, "--precision", precision)
        code, said = self.run("quantize_weights", "--output", output, *flags)
        assert code == 0, said
        return output

    def sharded(self, precision: str, tp_size: int) -> Path:
        """Shards, as shard_weights.py makes them, made once."""
        output = self.store / f"sharded-{precision}-{tp_size}"
        if output.exists():
            return output
        more = [] if precision == "float" else ["--quantized", self.quantized(precision)]
        flags = ("--source", self.weights, "--precision", precision, "--tp-size", tp_size, *more)
        code, said = self.run("shard_weights", "--output", output, *flags)
        assert code == 0, said
        return output

    def compressed(self) -> Path:
        """Compressed weights, as compress_weights.py makes them, made once."""
        output = self.store / "compressed"
        if output.exists():
            return output
        code, said = self.run("compress_weights", "--output", output, "--source", self.sharded("sparse", 2))
        assert code == 0, said
        return output


def contents(folder: Path) -> dict[str, str]:
    """The digest of every file, by relative path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _write_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("configuration_chatglm.py", "quantization.py", "tokenization_chatglm.py"):
        (folder / name).write_text(f'"""{name}"""\n')
    (folder / "modeling_chatglm.py").write_text('"""The standard modeling file."""\n')
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "tokenizer.model").write_text("tokens")
    files = [f"pytorch_model-0000{number}-of-00007.bin" for number in range(1, 8)]
    for name in files:
        (folder / name).write_text(f"weights {name}\n")
    index = {"weight_map": {f"layer.{number}": name for number, name in enumerate(files)}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    (folder / "config.json").write_text(json.dumps({"world_size": 1, "float_layers_id": [0]}))
    (folder / ".cdk8s-chatglm.json").write_text("{}")


def _write_ceval(folder: Path) -> None:
    for name, labels in (("Social_Science/teacher_qualification", (1, 1, 0, 1)), ("Other/civil_servant", (1, 0))):
        path = folder / "CEval" / "val" / f"{name}.jsonl"
        path.parent.mkdir(parents=True)
        lines = [json.dumps({"inputs_pretokenized": "问题", "label": label}) for label in labels]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
