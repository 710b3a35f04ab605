#!/bin/bash
# Prints the folder with what a node needs beside the binary: containerd, runc, CNI plugins, nft, conntrack,
# debootstrap. They are unpacked from Debian packages; nothing is installed on this machine.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
need apt-get "the node's tools come from Debian packages: use Debian or Ubuntu, or take the tier control-plane"

unpack() {
  local work; work=$(mktemp -d); chmod 755 "$work"
  (cd "$work" && apt-get download -q containerd runc containernetworking-plugins debootstrap nftables libnftables1 \
    libnftnl11 libmnl0 libjansson4 libedit2 libxtables12 conntrack libnetfilter-conntrack3 libnfnetlink0 >"$work/log" 2>&1) ||
    { tail -3 "$work/log"; rm -rf "$work"; echo "test/cluster: apt-get could not download the node's tools: run apt-get update" >&2; return 1; }
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$1"; done
  rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$work"
}
cached "node-tools-$(key prepare/node-tools.sh)" unpack
