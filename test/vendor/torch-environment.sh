#!/bin/sh
# Prints the bin folder of an environment with the real torch and transformers for a CPU (Python 3.11), making it on first use: 0.6 GB of
# packages, one minute, gcc and readelf needed. PYTHON_FOR_TORCH names a Python 3.11; otherwise python3, python3.11 or pyenv's is taken.
#   bin=$(sh test/vendor/torch-environment.sh)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

is_3_11() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; }
for python in ${PYTHON_FOR_TORCH:-python3 python3.11 "$HOME"/.pyenv/versions/3.11.*/bin/python}; do
  if is_3_11 "$python"; then found=$python; break; fi
done
[ -n "${found:-}" ] || {
  echo "test/vendor: no Python 3.11 among ${PYTHON_FOR_TORCH:-python3, python3.11 and ~/.pyenv/versions}: the packages are pinned for it; install it, or name it in PYTHON_FOR_TORCH" >&2
  exit 1
}
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "test/vendor: torch's package for $(uname -sm) is not pinned: run on Linux x86_64" >&2; exit 1; }
bin=$(PIP_NO_DEPS=1 PYTHON_FOR_TOOLS=$found sh "$here/../venv.sh" "$here/torch-requirements.txt")
libraries=$bin/../lib/python3.11/site-packages/torch/lib
if [ ! -e "$libraries/stand-ins-complete" ]; then
  "$bin/python" "$here/torch-stand-ins.py" "$libraries"
  touch "$libraries/stand-ins-complete"
fi
echo "$bin"
