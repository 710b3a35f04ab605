#!/bin/sh
# Shows that a workflow survives Helm: what `helm template` makes of `cdk8s synth --format helm` is what `cdk8s synth` writes.
# Needs helm 3 or later: HELM names the program.
set -eu
cd -- "$(dirname -- "$0")/../.."
HELM=${HELM:-helm}
command -v "$HELM" >/dev/null || { echo "helm.sh: '$HELM' is not installed; install Helm 3, or name it in HELM" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
app='node_modules/.bin/tsx --tsconfig tsconfig.dev.json test/gitops/helm-app.ts'
synth() { # APP FLAGS...
  name=$1
  shift
  APP=$name node_modules/.bin/cdk8s synth --check-upgrade=false --app "$app" "$@" >/dev/null
}
synth glm --format helm --chart-version 1.0.0 --output "$work/chart"
synth plain --output "$work/plain"
"$HELM" template release "$work/chart" >"$work/rendered.yaml"
node_modules/.bin/tsx --tsconfig tsconfig.dev.json test/gitops/same-objects.ts "$work/rendered.yaml" "$work/plain"
