"""Stands in for generate_compress_weight.py."""

from __future__ import annotations

import argparse
import os

import stub

parser = argparse.ArgumentParser()
parser.add_argument("--weight_path")
parser.add_argument("--save_path")
args = parser.parse_args()
for rank in range(2):
    whole = stub.npy(args.weight_path, f"quant_weight{rank}")
    for kind in ("index", "weight", "info"):
        folder = os.path.join(args.save_path, f"compress{rank}", kind)
        os.makedirs(folder, mode=0o750, exist_ok=True)
        for layer in range(1, stub.LAYERS):
            stub.pause()
            if os.environ.get("STUB_LOSES") != f"{kind}{layer}":
                with open(os.path.join(folder, f"layers.{layer}.dat"), "w") as file:
                    file.write(f"{kind} {whole}")
