#!/bin/sh
# Runs the tests of OpenAI's client for JavaScript. The client is kept outside the tree, keyed by package.json.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
key=$(sha256sum "$here/package.json" | cut -c1-12)
modules=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm/clients-node-$key
if [ ! -e "$modules/complete" ]; then
  rm -rf "$modules"
  mkdir -p "$modules"
  cp "$here/package.json" "$modules/"
  npm install --silent --no-audit --no-fund --prefix "$modules" >&2
  touch "$modules/complete"
fi
CLIENT_MODULES=$modules exec node --test "$here/openai.node.mjs"
