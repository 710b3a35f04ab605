"""Stands for Cambricon's torch_gpu2mlu.py: `-i DIR` makes DIR_mlu with its report."""

import argparse
import os
import shutil
import time

parser = argparse.ArgumentParser()
parser.add_argument("-i", "--input", required=True)
source = parser.parse_args().input.rstrip("/")
target = source + "_mlu"
if os.path.exists(target):
    raise SystemExit(f"{target} exists")
shutil.copytree(source, target)
changed = 0
print("# Cambricon PyTorch Model Migration Report", flush=True)
time.sleep(float(os.environ.get("STUB_SECONDS", 0)) * 10)
for folder, _, names in sorted(os.walk(target)):
    for name in sorted(names):
        path = os.path.join(folder, name)
        if not name.endswith(".py"):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(".cuda(", ".mlu(").replace('"cuda"', '"mlu"'))
        changed += text.count("cuda")
with open(os.path.join(target, "report.md"), "w", encoding="utf-8") as file:
    file.write(f"# Cambricon PyTorch Model Migration Report\n\n{changed} changes\n")
