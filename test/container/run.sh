#!/bin/sh
# Runs the tests of the scripts that run inside the pods, with the oldest Python found. Arguments go to pytest.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=$("$here/tools.sh")
cd "$here"
exec "$bin/pytest" -n 3 "$@"
