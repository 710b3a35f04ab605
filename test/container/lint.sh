#!/bin/sh
# Checks the scripts that run inside the pods: style, types, and that Python 3.7 can run them; and the style of their tests and benchmarks.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=$("$here/tools.sh")
cd "$here/../.."
"$bin/ruff" check --quiet .
cd container
"$bin/ruff" check --quiet .
"$bin/ruff" format --quiet --check .
"$bin/mypy" --no-error-summary .
"$bin/vermin" --quiet --no-tips --target=3.7- --violations --exclude pyproject.toml .
