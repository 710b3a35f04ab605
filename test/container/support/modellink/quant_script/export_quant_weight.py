"""Stands in for quant_script/export_quant_weight.py."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import stub

FILES = "deq_scale fp_bias input_offset input_scale quant_bias quant_weight weight_offset weight_scale"

parser = argparse.ArgumentParser()
parser.add_argument("--float_weight")
parser.add_argument("--data_path")
parser.add_argument("--quant_weight")
parser.add_argument("--sparse", action="store_true")
args = parser.parse_args()
if "standard" not in (Path(args.float_weight) / "modeling_chatglm.py").read_text():
    sys.exit("this is not the standard modeling file")
with open(args.data_path, encoding="utf-8") as file:
    texts = [json.loads(line)["inputs_pretokenized"] for line in file]
kind = "sparse" if args.sparse else "w8a8"
for name in FILES.split():
    stub.pause()
    if os.environ.get("STUB_LOSES") != name:
        (Path(args.quant_weight) / f"{name}.npy").write_text(
            f"{kind} {name} {len(texts)} {stub.weights_of(args.float_weight)}"
        )
