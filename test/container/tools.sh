#!/bin/sh
# Prints the bin folder with the tools that check and test container/.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
exec sh "$here/../venv.sh" "$here/requirements.txt"
