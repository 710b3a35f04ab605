#!/bin/bash
# Prints the folder with the images of the cluster: a static pause, and "work", which stands for every
# other image: Debian with Python 3 and PyYAML below, the folder stubs/ (the vendors' entry points) on top, with the files that
# its links name.
# Needs root and gcc. MIRROR and SUITE choose another Debian.
set -euo pipefail
. "$(dirname "$0")/cache.sh"
tools=$("$cluster_dir/prepare/node-tools.sh")
: "${MIRROR:=}" "${SUITE:=bookworm}"

layer() { tar -C "$1" --numeric-owner --owner=0 --group=0 --sort=name --mtime=@0 -cf "$2" .; }

base() { # the Debian below, as one layer
  local root=$1/root
  echo "test/cluster: making the base image with debootstrap" >&2
  export DEBOOTSTRAP_DIR=$tools/usr/share/debootstrap
  PATH="$tools/usr/sbin:$PATH" debootstrap --variant=minbase --include=python3,python3-yaml "$SUITE" "$root" $MIRROR >"$1/log" 2>&1 || { tail "$1/log"; return 1; }
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale,zoneinfo}/* "$root"/var/log/*
  # the user and group that the driver's files belong to, as in the vendor's images
  chroot "$root" sh -c 'groupadd -g 1000 HwHiAiUser && useradd -u 1000 -g 1000 -m HwHiAiUser && ln -s python3 /usr/bin/python'
  tar -C "$root" --numeric-owner --sort=name --mtime=@0 -cf "$1/layer.tar" .
  rm -rf "$root" "$1/log"
}

archive() { # OUT NAME COMMAND LAYER...: a docker archive, which ctr and our registry read
  local out=$1 name=$2 command=$3 work; shift 3; work=$(mktemp -d)
  local n=0 ids="" names=""
  for l in "$@"; do
    ln "$l" "$work/$n.tar" 2>/dev/null || cp "$l" "$work/$n.tar"
    ids="$ids${ids:+,}\"sha256:$(sha256sum "$l" | cut -d' ' -f1)\"" names="$names${names:+,}\"$n.tar\"" n=$((n + 1))
  done
  cat >"$work/config.json" <<J
{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],"Cmd":$command},"rootfs":{"type":"layers","diff_ids":[$ids]}}
J
  echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"localhost/$name:1\"],\"Layers\":[$names]}]" >"$work/manifest.json"
  tar -C "$work" -cf "$out/$name.tar" manifest.json config.json $(seq -f %g.tar 0 $((n - 1)))
  rm -rf "$work"
}

images() {
  local work; work=$(mktemp -d)
  mkdir "$work/pause" "$work/stubs"
  gcc -static -Os -s -o "$work/pause/pause" "$cluster_dir/prepare/pause/pause.c"
  layer "$work/pause" "$work/pause.tar"
  cp -RL --preserve=mode "$cluster_dir/stubs/." "$work/stubs"
  find "$work/stubs" -name __pycache__ -prune -exec rm -rf {} +
  chmod -R go+rX "$work/stubs"
  layer "$work/stubs" "$work/stubs.tar"
  archive "$1" pause '["/pause"]' "$work/pause.tar"
  archive "$1" work '["sleep","infinity"]' "$base/layer.tar" "$work/stubs.tar"
  rm -rf "$work"
}
[ "$(id -u)" = 0 ] || { echo "test/cluster: images need root to be made" >&2; exit 1; }
need gcc "install gcc, for the pause container"
base=$(cached "image-base-$(echo "$SUITE $MIRROR" | cat - "$cluster_dir/prepare/images.sh" | sha256sum | cut -c1-12)" base)
mapfile -t stubs < <(cd "$cluster_dir" && find -L stubs prepare/pause -type f -not -path '*/__pycache__/*' | sort)
cached "images-$(key prepare/images.sh "${stubs[@]}")" images
