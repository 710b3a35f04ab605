#!/bin/bash
# Stands for compile.sh of LLM-TPU@909f9dab: the same flags, tools and file names; one layer's worth of work a layer.
set -e
mode=f16 num_device=1 name=
while [[ $# -gt 0 ]]; do
  case $1 in
  --mode) mode=$2; shift 2 ;;
  --num_device) num_device=$2; shift 2 ;;
  --name) name=$2; shift 2 ;;
  *) echo "Invalid option: $1" >&2; exit 1 ;;
  esac
done
[ "$name" = chatglm3-6b ] || { echo "Error: Invalid name $name" >&2; exit 1; }
case $mode in
f16) quantize=F16 ;;
int8) quantize=W8F16 ;;
int4) quantize='W4F16 --q_group_size 64' ;;
*) echo 'Error, unknown quantize mode'; exit 1 ;;
esac
outdir=tmp/${mode}_${num_device}dev/block
mkdir -p "$outdir"
models=
for ((i = 0; i <= 27; i++)); do
  echo "compile block_$i"
  model_transform.py --model_name "block_$i" --model_def "tmp/onnx/block_$i.onnx" --mlir "$outdir/block_$i.mlir"
  # shellcheck disable=SC2086
  model_deploy.py --mlir "$outdir/block_$i.mlir" --quantize $quantize --quant_input --quant_output --chip bm1684x --num_device "$num_device" --model "$outdir/block_$i.bmodel"
  models="$models $outdir/block_$i.bmodel"
done
for net in embedding lm_head; do
  model_transform.py --model_name "$net" --model_def "tmp/onnx/$net.onnx" --mlir "$outdir/$net.mlir"
  model_deploy.py --mlir "$outdir/$net.mlir" --chip bm1684x --model "$outdir/$net.bmodel"
  models="$models $outdir/$net.bmodel"
done
# shellcheck disable=SC2086
model_tool --combine $models -o "${name}_${mode}_${num_device}dev.bmodel"
