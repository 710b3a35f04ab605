#!/bin/sh
# What a pipeline runs on every commit. It changes nothing: neither files nor clusters.
#   SYNTH     writes the manifests into $CDK8S_OUTDIR      [npx tsx main.ts]
#   VALIDATE  checks the folder it is given                [npx cdk8s-chatglm validate]
#   KUBECONFIG  clusters to ask as well: those whose context is called like a folder of dist, e.g. ascend-prod
set -eu
cd "$(dirname "$0")"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

echo "== synth"
CDK8S_OUTDIR=$made ${SYNTH:-npx tsx main.ts}

echo "== rules"
for cluster in "$made"/*; do
  echo "$(basename "$cluster"):"
  ${VALIDATE:-npx cdk8s-chatglm validate} "$cluster" || exit 1
done

echo "== dist"
diff -r dist "$made" || {
  echo "dist is not what the program writes: run 'npm run synth', review the difference and commit it" >&2
  exit 1
}

echo "== clusters"
contexts=
if [ -n "${KUBECONFIG:-}" ]; then
  contexts=$(kubectl config get-contexts -o name)
fi
for cluster in dist/*; do
  context=$(basename "$cluster")
  if ! printf '%s\n' "$contexts" | grep -qxF "$context"; then
    echo "$context: not asked, KUBECONFIG has no context of that name"
    continue
  fi
  for chart in "$cluster"/*-*; do
    case $chart in */argo-cd) continue ;; esac
    namespace=$(basename "$chart")
    # A server refuses objects of a namespace that it does not have, also when it only pretends.
    found=$(kubectl --context "$context" get namespace "$namespace" --ignore-not-found -o name)
    dry_run=server
    [ -n "$found" ] || dry_run=client
    echo "$context: $namespace, by the $dry_run"
    find "$chart" -name '*.k8s.yaml' | sort | while read -r file; do
      kubectl --context "$context" apply --dry-run="$dry_run" --validate=strict -f "$file" || exit 1
    done
  done
done
echo "== passed"
