#!/bin/sh
# Prints the bin folder of a virtual environment that holds the pinned clients, making it on first use.
# It is keyed by the content of requirements.txt and lives outside the tree, so that every checkout shares it.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON_FOR_TOOLS:-python3}
key=$({ cat "$here/requirements.txt"; "$python" --version; } | sha256sum | cut -c1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm/clients-$key
if [ ! -e "$venv/complete" ]; then
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
  touch "$venv/complete"
fi
echo "$venv/bin"
