#!/bin/bash
# Prints the folder with the binary "cluster", building it on first use: about 6 minutes on two cores with
# an empty Go build cache, under half a minute after a change of the module's own files.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
cd "$cluster_dir"

build() { # without the version flags nodes and /version would say v0.0.0-master
  need go "install Go $(sed -n 's/^go //p' go.mod) or later and put it on PATH"
  local v; v=$(sed -n 's/^\tk8s.io\/kubernetes //p' go.mod)
  local minor=${v#v1.}; minor=${minor%%.*}
  local base=k8s.io/component-base/version client=k8s.io/client-go/pkg/version
  echo "test/cluster: building the cluster's binary ($v); with an empty build cache this takes minutes" >&2
  CGO_ENABLED=0 GOFLAGS=-buildvcs=false nice -n 5 go build -trimpath -o "$1/cluster" \
    -ldflags="-s -w -X $base.gitVersion=$v -X $base.gitMajor=1 -X $base.gitMinor=$minor -X $client.gitVersion=$v" .
}
mapfile -t sources < <(find . -name '*.go' -not -name '*_test.go' | sort)
cached "cluster-$(key go.mod go.sum prepare/binary.sh "${sources[@]}")" build
