#!/bin/sh
# Prints the bin folder of an environment with the real MindSpore and MindFormers (Python 3.11, CPU only, no pip at run time), making it
# on first use: 1 GB of packages, one minute. PYTHON_FOR_MINDSPORE names a Python 3.11; otherwise python3, python3.11 or pyenv's is taken.
#   bin=$(sh test/vendor/mindspore.sh)
# Programs that train need  PYTHONPATH=test/vendor/cpu  too, which lets MindFormers do without an accelerator.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

is_3_11() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }
for python in ${PYTHON_FOR_MINDSPORE:-python3 python3.11 "$HOME"/.pyenv/versions/3.11.*/bin/python}; do
  if is_3_11 "$python"; then found=$python; break; fi
done
[ -n "${found:-}" ] || {
  echo "test/vendor: no Python 3.11 among ${PYTHON_FOR_MINDSPORE:-python3, python3.11 and ~/.pyenv/versions}: MindFormers 1.1.0 needs it; install it, or name it in PYTHON_FOR_MINDSPORE" >&2
  exit 1
}
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "test/vendor: MindSpore's package for $(uname -sm) is not pinned: run on Linux x86_64" >&2; exit 1; }
bin=$(PIP_NO_DEPS=1 PYTHON_FOR_TOOLS=$found sh "$here/../venv.sh" "$here/../cluster/mindformers/requirements.txt" "$here/requirements.txt")
# what only accelerators load: 1.7 of 2.3 GB
rm -rf "$bin"/../lib/python3.11/site-packages/mindspore/lib/plugin/*gpu* "$bin"/../lib/python3.11/site-packages/mindspore/lib/plugin/*ascend*
echo "$bin"
