#!/bin/sh
# Prints the bin folder of a virtual environment that holds the pinned Python tools, making it on first use.
# It is keyed by the content of requirements.txt and lives outside the tree, so that every checkout shares it.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON_FOR_TOOLS:-python3}
command -v "$python" >/dev/null 2>&1 || { echo "tools.sh: $python not found: install Python 3.9 or later, or set PYTHON_FOR_TOOLS" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' ||
  { echo "tools.sh: $("$python" --version) is too old for the test tools: set PYTHON_FOR_TOOLS to Python 3.9 or later" >&2; exit 1; }
key=$({ cat "$here/requirements.txt"; "$python" --version; } | sha256sum | cut -c1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm/python-$key
if [ ! -e "$venv/complete" ]; then
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  touch "$venv/complete"
fi
echo "$venv/bin"
