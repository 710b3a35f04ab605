"""Stands in for process_weights.py."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path

import stub


def save_float(config: dict, model: Path, tp_size: int) -> None:
    target = model / f"tensor_parallel_tp{tp_size}"
    if tp_size == 1:
        return
    if target.exists():
        print(f"[info]: The parallel float weights has exist in '{target}'.")
        return
    whole = stub.weights_of(str(model))
    for rank in range(tp_size):
        part = target / "part_model" / str(rank)
        part.mkdir(parents=True)
        (part / "config.json").write_text(json.dumps({**config, "world_size": tp_size}))
        stub.pause()
        (part / "pytorch_model.bin").write_text(f"{rank} of {tp_size}: {whole}")
        for name in ("configuration_chatglm.py", "quantization.py"):
            shutil.copy(model / name, part)


def save_quantized(tp_size: int) -> None:
    folder = Path(os.environ["QUANT_WEIGHT_PATH"])
    read = {name: stub.npy(str(folder), name) for name in ("input_offset", "input_scale", "quant_weight", "fp_bias")}
    for rank in range(tp_size):
        for name in ("quant_weight", "new_bias", "new_deq_scale"):
            stub.pause()
            (folder / f"tp{tp_size}" / f"{name}{rank}.npy").write_text(f"{rank}: {read['quant_weight']}")


parser = argparse.ArgumentParser()
parser.add_argument("--model_path", required=True)
parser.add_argument("--parallel_float_weight_path", default="tensor_parallel")
parser.add_argument("--tp_size", type=int, default=1)
parser.add_argument("--model_file_slice", default="patches/modeling_chatglm_npu_parallel.py")
args = parser.parse_args()
print(f"[info]: Processing weights with mode '{stub.mode()}'.")
shutil.copy(args.model_file_slice, os.path.join(args.model_path, "modeling_chatglm.py"))
config = stub.config_of(args.model_path)
assert config["world_size"] == 1
save_float(config, Path(args.model_path), args.tp_size)
if stub.mode() != "float":
    save_quantized(args.tp_size)
