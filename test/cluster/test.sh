#!/bin/bash
# Runs the cluster tests; arguments go to jest. What is missing here is said, and the tests that need it are skipped;
# with CI set that is an error.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

missing() { # WHAT-IS-SKIPPED REASON
  echo "test/cluster: $1: $2" >&2
  if [ -n "${CI:-}" ]; then echo "test/cluster: that is an error where CI is set" >&2; exit 1; fi
}

if [ -n "${TEST_OWN_CLUSTER+set}" ]; then
  [ -f "${KUBECONFIG:-}" ] || { echo "test/cluster: TEST_OWN_CLUSTER is set, but KUBECONFIG names no file" >&2; exit 1; }
elif ! command -v go >/dev/null; then
  missing "all cluster tests are skipped" "Go is not on PATH"
  exit 0
elif [ "$(uname -s)" != Linux ]; then
  missing "all cluster tests are skipped" "they need Linux, this is $(uname -s)"
  exit 0
elif [ "$(id -u)" != 0 ] && [ -z "${CLUSTER_TIER:-}" ]; then
  missing "the tests of pods that really run are skipped" "they need root (sudo -E npm run test:cluster)"
fi
cd "$here/../.."
exec node_modules/.bin/jest -c test/cluster/jest.config.js "$@"
