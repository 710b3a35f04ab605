#!/bin/sh
# Shows that a workflow survives Helm: what `helm template` makes of `cdk8s synth --format helm` is what `cdk8s synth` writes.
set -eu
cd -- "$(dirname -- "$0")/../.."
helm=$(sh test/gitops/helm-program.sh)
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
"$helm" template release "$work/chart" >"$work/rendered.yaml"
node_modules/.bin/tsx --tsconfig tsconfig.dev.json test/gitops/same-objects.ts "$work/rendered.yaml" "$work/plain"
