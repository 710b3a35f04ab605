#!/bin/sh
# Prints the bin folder of a virtual environment that holds what requirements files pin, making it on first use. It is keyed by the
# content of the files and lives outside the tree, so that every checkout shares it; who comes while another makes it waits.
#   bin=$(sh test/venv.sh test/container/requirements.txt)
# PYTHON_FOR_TOOLS names another Python than python3; PIP_NO_DEPS=1 (pip's own) installs the listed packages and nothing else.
set -eu
python=${PYTHON_FOR_TOOLS:-python3}
command -v "$python" >/dev/null 2>&1 || { echo "venv.sh: $python not found: install Python 3.9 or later, or set PYTHON_FOR_TOOLS" >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' ||
  { echo "venv.sh: $("$python" --version) is too old for the test tools: set PYTHON_FOR_TOOLS to Python 3.9 or later" >&2; exit 1; }
key=$({ cat "$@"; "$python" --version; } | sha256sum | cut -c1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm/python-$key

make_once() {
  [ ! -e "$venv/complete" ] || return 0
  rm -rf "$venv"
  "$python" -m venv "$venv" >&2
  for file in "$@"; do set -- "$@" -r "$file"; shift; done
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
  touch "$venv/complete"
}

if [ ! -e "$venv/complete" ]; then
  mkdir -p "${venv%/*}"
  if command -v flock >/dev/null 2>&1; then
    exec 9>"$venv.lock"
    flock 9
  fi
  make_once "$@"
fi
echo "$venv/bin"
