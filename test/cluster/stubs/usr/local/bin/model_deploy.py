#!/usr/bin/env python3
"""Stands for TPU-MLIR's model_deploy.py: the flags that LLM-TPU gives it, and a file for a file."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--mlir", required=True)
parser.add_argument("--quantize", default="F32", choices=["F32", "F16", "W8F16", "W4F16"])
parser.add_argument("--q_group_size", type=int, default=0)
parser.add_argument("--quant_input", action="store_true")
parser.add_argument("--quant_output", action="store_true")
parser.add_argument("--chip", required=True, choices=["bm1684x", "bm1688", "cv186x"])
parser.add_argument("--num_device", type=int, default=1)
parser.add_argument("--model", required=True)
args = parser.parse_args()
with open(args.mlir, encoding="utf-8") as source, open(args.model, "w", encoding="utf-8") as target:
    target.write(f"{args.quantize} for {args.num_device} of {source.read()}")
