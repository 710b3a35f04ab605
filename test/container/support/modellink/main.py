"""Stands in for main.py."""

from __future__ import annotations

import argparse
import glob
import json
import os
import runpy
import shutil
import sys
import time
from pathlib import Path

import stub

HEADER = (
    "Batch,InputSeqLen(Encoding),OutputSeqLen(Decoding),TimeOfFirstToken(ms),TimePerToken(ms),TimeTotal(s),"
    "Throughput(tokens/s),ThroughputE2E(tokens/s)\n"
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    modes = ["precision_single", "precision_dataset", "performance", "cli_demo"]
    parser.add_argument("--mode", default="precision_dataset", choices=modes)
    parser.add_argument("--model_path", required=True)
    parser.add_argument("--tp_size", type=int, default=1)
    parser.add_argument("--device", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--model_file", default="patches/models/modeling_chatglm_ascend.py")
    parser.add_argument("--ceval_dataset", default="")
    parser.add_argument("--seqlen_in_pair", default=[256, 512, 1024])
    parser.add_argument("--seqlen_out_pair", default=[256, 512, 1024])
    parser.add_argument("--performance_output_file", default="performance.csv")
    parser.add_argument("--print_response", action="store_true")
    return parser.parse_args()


def load(args: argparse.Namespace, rank: int) -> str:
    """Read what the real one reads, in the same places."""
    folder = args.model_path
    if args.tp_size > 1:
        assert os.environ["WORLD_SIZE"] == str(args.tp_size)
        assert os.environ["MASTER_ADDR"] and os.environ["MASTER_PORT"]
        folder = os.path.join(args.model_path, f"tensor_parallel_tp{args.tp_size}/part_model", str(rank))
    modeling = os.path.join(folder, "modeling_chatglm.py")
    shutil.copy(args.model_file, modeling)
    runpy.run_path(modeling)
    assert (Path(args.model_path) / "tokenizer.model").is_file()
    text = Path(folder, "pytorch_model.bin").read_text() if args.tp_size > 1 else stub.weights_of(folder)
    if stub.mode() != "float":
        stub.npy(os.environ["QUANT_WEIGHT_PATH"], "input_scale")
        text += stub.npy(os.environ["QUANT_WEIGHT_PATH"], f"tp{args.tp_size}/quant_weight{rank}")
    if stub.mode() == "sparse":
        text += "".join(os.listdir(os.path.join(os.environ["COMPRESS_WEIGHT_PATH"], f"compress{rank}", "info")))
    return text


def precision(args: argparse.Namespace, rank: int) -> None:
    if args.mode == "precision_single":
        print("Answer: B")
        return
    accuracies = {}
    for entry in sorted(glob.glob((Path(args.ceval_dataset) / "val/**/*.jsonl").as_posix(), recursive=True)):
        lines = Path(entry).read_text(encoding="utf-8").splitlines()
        accuracies[entry] = sum(json.loads(line)["label"] == 1 for line in lines) / len(lines)
        stub.pause()
    if rank == 0:
        total = sum(accuracies.values()) / len(accuracies)
        print(f"acc_total = {total}")
        with open("precison_result.json", "a") as file:
            file.write(json.dumps({**accuracies, "acc_total": total}))


def performance(args: argparse.Namespace, rank: int) -> None:
    pairs = list(
        zip(*([int(part) for part in each.split(",")] for each in (args.seqlen_in_pair, args.seqlen_out_pair)))
    )
    warm_up = max(given for given, _ in pairs) + 4
    if max(warm_up, *map(sum, pairs)) > int(os.environ.get("MAX_SEQ_LEN", "2048")):
        sys.exit("RuntimeError: the cache is too short")
    if rank == 0:
        with open(args.performance_output_file, "a", encoding="utf-8") as file:
            file.write(HEADER)
            for given, made in pairs[: int(os.environ.get("STUB_ROWS", "99"))]:
                file.write(f"{args.batch}, {given}, {made}, 123.5, {given / 100}, 12.25, 6.1728, 5.5\n")
                if args.print_response:
                    print(["an answer"])


def main() -> None:
    args = parse_args()
    rank = int(os.environ.get("RANK", "0")) if args.tp_size > 1 else 0
    print(f"rank {rank} on device {args.device + rank}, {stub.mode()}, MAX_SEQ_LEN {os.environ['MAX_SEQ_LEN']}")
    print(f"modules in {os.environ['HF_MODULES_CACHE']}")
    load(args, rank)
    if os.environ.get("STUB_FAILS") == str(rank):
        print("RuntimeError: HCCL error", file=sys.stderr)
        sys.exit(1)
    time.sleep(float(os.environ.get("STUB_SECONDS", "0")))
    if "precision" in args.mode:
        precision(args, rank)
    else:
        performance(args, rank)


main()
