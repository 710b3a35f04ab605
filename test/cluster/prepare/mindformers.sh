#!/bin/bash
# Prints the folder with the archive of the image "mindformers-cpu": the base image with MindSpore and MindFormers for
# CPU (vendor/requirements.txt) and the folder vendor/root on top. Made on first use: 800 MB of packages, 2 minutes.
#   mindformers.sh made: prints the folder only if it is there, and makes nothing
# Needs root and pip; PYTHON_FOR_TOOLS chooses the Python whose pip it is.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
python=${PYTHON_FOR_TOOLS:-python3}
site=usr/local/lib/python3.11/dist-packages

packages() { # ROOT: into the Python of the image in that folder, whatever Python runs here
  local root=$1 wheels; wheels=$(mktemp -d)
  "$python" -m pip wheel --quiet --no-deps --no-binary jieba --wheel-dir "$wheels" "$(grep ^jieba== "$vendor/requirements.txt")"
  "$python" -m pip install --quiet --root-user-action ignore --no-deps --no-compile --only-binary :all: --find-links "$wheels" --target "$root/$site" \
    --python-version 3.11 --platform manylinux2014_x86_64 --platform manylinux_2_28_x86_64 --requirement "$vendor/requirements.txt"
  rm -rf "$wheels" "$root/$site"/mindspore/lib/plugin/{gpu,ascend,libmindspore_gpu,libmindspore_ascend}*
  # Debian's minimal image lacks it, MindSpore links to it; this one runs with any glibc
  install -D "$root/$site"/sentencepiece.libs/libgomp-*.so.* "$root/usr/lib/x86_64-linux-gnu/libgomp.so.1"
}
