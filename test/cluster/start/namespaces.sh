# Sourced by cluster.sh: the network, mount and PID namespaces that everything runs in, and what the node
# pretends to be. The process with the word cluster-init in its command line is PID 1 in there; when it
# ends, every process, mount, interface and nft rule ends with it.
# shellcheck shell=bash

if [ "$(id -u)" = 0 ]; then new_user="" same_user=""; else new_user="--map-root-user" same_user="-U --preserve-credentials"; fi
# shellcheck disable=SC2086 # the options are words
inside() { nsenter -t "$(cat "$STATE/init.pid")" $same_user -n -m -p -- "$@"; }

make_namespaces() {
  if full; then mkdir -p /var/lib/kubelet; make_cgroups; fi
  # shellcheck disable=SC2016,SC2086
  setsid unshare $new_user --net --mount --pid --fork --kill-child --mount-proc --propagation private -- \
    bash -c 'echo ready >"$STATE/ready"; trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done' cluster-init </dev/null >/dev/null 2>&1 &
  local outer=$!
  until [ -s "$STATE/ready" ]; do sleep 0.02; done
  pgrep -P $outer >"$STATE/init.pid"
  inside bash -euc ". '$here/start/inside.sh'; private_folders; network; resolver"
  if full; then inside bash -euc ". '$here/start/inside.sh'; host_files '$here/host-files'; hardware"; fi
}

make_cgroups() { # our own root in every hierarchy
  local h f c
  for h in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -f "$h/cgroup.procs" ] || continue
    mkdir -p "$h/$CGROUP"
    for f in cpuset.cpus cpuset.mems; do # v1: a new cpuset is empty until it is filled in
      [ ! -f "$h/$f" ] || [ -n "$(tr -d '\n' <"$h/$CGROUP/$f" 2>/dev/null)" ] || cat "$h/$f" >"$h/$CGROUP/$f"
    done
    [ -f "$h/cgroup.subtree_control" ] || continue
    for c in $(cat "$h/cgroup.controllers"); do # v2: hand the controllers down
      { echo "+$c" >"$h/cgroup.subtree_control" && echo "+$c" >"$h/$CGROUP/cgroup.subtree_control"; } 2>/dev/null || true
    done
  done
}

remove_cgroups() {
  local h
  for h in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ ! -d "$h/$CGROUP" ] || find "$h/$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}
