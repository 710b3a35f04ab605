#!/bin/sh
# Prints where Helm is: the program that HELM names, the one on PATH, or one that Go builds once into the cache.
set -eu
version=v3.19.0
if [ -n "${HELM:-}" ] || command -v helm >/dev/null; then
  command -v "${HELM:-helm}" && exit
  echo "helm-program.sh: HELM is '$HELM', which is no program" >&2
  exit 1
fi
folder=${XDG_CACHE_HOME:-$HOME/.cache}/cdk8s-chatglm/helm-$version
if [ ! -x "$folder/helm" ]; then
  command -v go >/dev/null || { echo "helm-program.sh: there is no Helm: install Helm 3, name it in HELM, or install Go to build it" >&2; exit 1; }
  echo "helm-program.sh: building Helm $version" >&2
  GOBIN=$folder GOFLAGS=-trimpath CGO_ENABLED=0 go install "helm.sh/helm/v3/cmd/helm@$version" >&2
fi
echo "$folder/helm"
