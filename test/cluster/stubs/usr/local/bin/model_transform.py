#!/usr/bin/env python3
"""Stands for TPU-MLIR's model_transform.py: the flags that LLM-TPU gives it, and a file for a file."""

import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--model_name", required=True)
parser.add_argument("--model_def", required=True)
parser.add_argument("--input_shapes")
parser.add_argument("--mlir", required=True)
args = parser.parse_args()
with open(args.model_def, encoding="utf-8") as source, open(args.mlir, "w", encoding="utf-8") as target:
    target.write(f"mlir of {source.read()}")
