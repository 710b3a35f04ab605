#!/bin/sh
# Prints the bin folder of a virtual environment that holds what a requirements file pins, making it on first use. It is keyed by the
# content of the file and lives outside the tree, so that every checkout shares it.
#   bin=$(sh test/venv.sh test/container/requirements.txt)
set -eu
python=${PYTHON_FOR_TOOLS:-python3}
command -v "$python" >/dev/null 2>&1 || { echo "venv.sh: $python not found: install Python 3.9 or later, or set PYTHON_FOR_TOOLS" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' ||
  { echo "venv.sh: $("$python" --version) is too old for the test tools: set PYTHON_FOR_TOOLS to Python 3.9 or later" >&2; exit 1; }
key=$({ cat "$1"; "$python" --version; } | sha256sum | cut -c1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm/python-$key
if [ ! -e "$venv/complete" ]; then
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$1" >&2
  touch "$venv/complete"
fi
echo "$venv/bin"
