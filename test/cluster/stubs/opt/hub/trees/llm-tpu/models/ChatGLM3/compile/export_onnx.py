"""Stands for export_onnx.py of LLM-TPU@edb7f13e: the same flags, the same files, nothing in them."""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description="export onnx")
parser.add_argument("-m", "--model_path", type=str, help="path to the torch model")
parser.add_argument("-s", "--seq_length", type=int, default=512, help="sequence length")
parser.add_argument("-d", "--device", type=str, choices=["cpu", "cuda"], default="cpu")
args = parser.parse_args()

with open(os.path.join(args.model_path, "config.json"), encoding="utf-8") as file:
    config = json.load(file)
with open(os.path.join(args.model_path, "modeling_chatglm.py"), encoding="utf-8") as file:
    code = file.read()
assert config["seq_length"] == args.seq_length
# What ONNX has no form for must be gone.
assert "if False:" in code and "masked_fill" not in code, "the model is not patched"
os.makedirs("tmp/onnx", exist_ok=True)
names = [f"block{kind}_{layer}" for kind in ("", "_cache") for layer in range(config["num_layers"])]
for name in [*names, "embedding", "lm_head", "greedy_head", "penalty_sample_head"]:
    print(f"Convert {name}", flush=True)
    time.sleep(float(os.environ.get("STUB_SECONDS", 0)))
    with open(f"tmp/onnx/{name}.onnx", "w", encoding="utf-8") as file:
        file.write(f"{name} of {args.seq_length} tokens\n")
