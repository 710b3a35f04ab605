#!/bin/sh
# Runs what the library generates, and the scripts of container/, against the vendors' real packages, as far as those run on a CPU.
# Arguments go to pytest (of every suite: mindspore_*.py and torch_*.py have an environment each).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mindspore=$(sh "$here/mindspore.sh")
cd "$here"
"$mindspore/python" -m pytest -q -p no:cacheprovider "$@" mindspore_*.py
