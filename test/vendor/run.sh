#!/bin/sh
# Runs what the library generates, and the scripts of container/, against the vendors' real packages, as far as those run on a CPU.
#   run.sh [mindspore|torch|slow] [pytest's arguments]     without a suite: mindspore and torch, at the same time
# Each suite has an environment of its own (mindspore.sh, torch-environment.sh), made on first use. What takes long is in slow.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

run_mindspore() { # FILES AND ARGUMENTS
  bin=$(sh mindspore.sh)
  [ -e ../../node_modules/.bin/tsx ] || { echo "test/vendor: node_modules is missing: run npm ci" >&2; exit 1; }
  (cd ../.. && node_modules/.bin/tsx --tsconfig tsconfig.dev.json test/vendor/commands.ts >"$work/commands.json")
  GENERATED_COMMANDS=$work/commands.json "$bin/python" -m pytest -q -p no:cacheprovider "$@"
}

run_torch() {
  bin=$(sh torch-environment.sh)
  "$bin/python" -m pytest -q -p no:cacheprovider "$@"
}

case ${1:-} in
mindspore) shift; run_mindspore mindspore_*.py "$@" ;;
torch) shift; run_torch torch_*.py "$@" ;;
slow) shift; run_mindspore slow_mindspore_*.py "$@" ;;
*)
  (run_torch torch_*.py "$@") >"$work/torch.log" 2>&1 &
  torch=$!
  failed=0
  (run_mindspore mindspore_*.py "$@") || failed=$?
  wait "$torch" || failed=$?
  cat "$work/torch.log"
  exit "$failed"
  ;;
esac
