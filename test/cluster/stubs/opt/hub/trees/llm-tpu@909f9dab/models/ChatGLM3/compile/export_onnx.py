"""Stands for export_onnx.py of LLM-TPU@909f9dab: the same flag, the same files, nothing in them."""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description="export onnx")
parser.add_argument("--model_path", type=str, help="path to the torch model.")
args = parser.parse_args()

with open(os.path.join(args.model_path, "config.json"), encoding="utf-8") as file:
    config = json.load(file)
with open(os.path.join(args.model_path, "modeling_chatglm.py"), encoding="utf-8") as file:
    code = file.read()
# What ONNX has no form for must be gone.
assert "if False:" in code and "masked_fill" not in code, "the model is not patched"
os.makedirs("tmp/onnx", exist_ok=True)
names = [f"block{kind}_{layer}" for kind in ("", "_cache") for layer in range(config["num_layers"])]
for name in [*names, "embedding", "lm_head"]:
    print(f"Convert {name}", flush=True)
    time.sleep(float(os.environ.get("STUB_SECONDS", 0)))
    with open(f"tmp/onnx/{name}.onnx", "w", encoding="utf-8") as file:
        file.write(f"{name} of {config['seq_length']} tokens\n")
