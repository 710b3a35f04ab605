#!/bin/bash
# A one-node Kubernetes cluster with fake NPUs, MLUs and TPUs, in its own network, mount and PID namespaces.
#   cluster.sh up               start it (seconds; the first time minutes, see docs/cluster.md)
#   cluster.sh exec COMMAND...  run a command inside: kubectl is on PATH, KUBECONFIG is set, pods and Services can be reached
#   cluster.sh status           what runs
#   cluster.sh down             end it; no process, mount or file is left
#   cluster.sh prepare          only make what is cached: binary, node tools, images
#   cluster.sh prepare mindformers   and the image with the real MindSpore and MindFormers, which up never makes
# Environment: CLUSTER_TIER=full (needs root: pods really run) or control-plane (any user: scheduling and admission, on
# simulated nodes); the default is full for root. CLUSTER_STATE: the folder for state and logs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export STATE=${CLUSTER_STATE:-${TMPDIR:-/tmp}/cdk8s-chatglm-cluster-$(id -u)}
if [ -z "${CLUSTER_TIER:-}" ]; then if [ "$(id -u)" = 0 ]; then CLUSTER_TIER=full; else CLUSTER_TIER=control-plane; fi; fi
fail() { echo "test/cluster: $*" >&2; exit 1; }
case $CLUSTER_TIER in
full) [ "$(id -u)" = 0 ] || fail "the tier full needs root, for a real node; run as root, or set CLUSTER_TIER=control-plane" ;;
control-plane) ;;
*) fail "CLUSTER_TIER is '$CLUSTER_TIER'; allowed are full and control-plane" ;;
esac
case $STATE/ in /usr/* | /etc/* | /run/* | /opt/* | /var/log/* | /var/lib/kubelet/*) fail "CLUSTER_STATE must not be under /usr, /etc, /run, /opt, /var/log or /var/lib/kubelet, got $STATE" ;; esac

NODE_IP=172.30.0.1 SERVICE_CIDR=10.96.0.0/16 POD_CIDR=10.244.0.0/24
CGROUP=cdk8s-chatglm-$(echo "$STATE" | sha256sum | cut -c1-8)
export NODE_IP SERVICE_CIDR POD_CIDR CGROUP
for part in keys namespaces daemons; do . "$here/start/$part.sh"; done

running() { [ -s "$STATE/init.pid" ] && grep -qs cluster-init "/proc/$(cat "$STATE/init.pid")/cmdline"; }
full() { [ "$CLUSTER_TIER" = full ]; }
T0=$(date +%s%N)
say() { printf '%6d ms  %s\n' $((($(date +%s%N) - T0) / 1000000)) "$*"; }
until_ok() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $end ] || fail "$what: not in time; the logs are in $STATE/log"
    sleep 0.1
  done
  say "$what"
}

prepare() { # [make]: vendor images too, else only those that were made before
  BIN=$("$here/prepare/binary.sh")
  SYS=/nonexistent IMAGES=/nonexistent VENDOR_IMAGES=
  if full; then
    SYS=$("$here/prepare/node-tools.sh"); IMAGES=$("$here/prepare/images.sh")
    VENDOR_IMAGES=$("$here/prepare/mindformers.sh" "${1:-if-made}")
  fi
  export BIN=$BIN/cluster SYS IMAGES
  export PATH="$SYS/usr/sbin:$SYS/usr/bin:$PATH" LD_LIBRARY_PATH="$SYS/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}

up() {
  for c in unshare nsenter ip openssl; do command -v $c >/dev/null || fail "$c not found: install util-linux, iproute2 and openssl"; done
  ! running || fail "a cluster runs already in $STATE: cluster.sh down first, or set CLUSTER_STATE"
  clean
  prepare; say "prepared"
  mkdir -p "$STATE"/{log,bin,kubelet/device-plugins,run,cni,varlog,devices,health,hw,volumes}
  echo "$CLUSTER_TIER" >"$STATE/tier"
  ln -sf "$BIN" "$STATE/bin/kubectl"
  trap 'give_up' EXIT
  make_keys; say "keys and kubeconfigs"
  make_namespaces; say "namespaces"
  start_daemons
  trap - EXIT
}

give_up() { # end all, but leave the logs to be read
  local kept; kept=$(mktemp -d)
  cp -R "$STATE/log" "$kept/" || true
  clean
  mkdir -p "$STATE"; mv "$kept/log" "$STATE/log"; rmdir "$kept"
  echo "test/cluster: the cluster did not come up; the logs are in $STATE/log, until cluster.sh down" >&2
}

# clean ends what runs under $STATE and removes it. The file may be older than the last boot: only a
# process that is a cluster's PID 1 is ended.
clean() {
  if running; then kill -KILL "$(cat "$STATE/init.pid")"; sleep 0.5; fi
  remove_cgroups
  rm -rf --one-file-system "$STATE"
  # Removing the folder would take away the mount that another cluster has on it in its own namespace.
  if [ "$(id -u)" = 0 ] && ! pgrep -f 'cluster kubelet --config=' >/dev/null; then rmdir /var/lib/kubelet 2>/dev/null || true; fi
}

case ${1:-} in
up) up ;;
down) clean ;;
prepare)
  case ${2:-} in
  "") prepare ;;
  mindformers) full || fail "the image of MindFormers is for pods that run: the tier full"; prepare make ;;
  *) fail "prepare got '$2'; allowed are nothing and mindformers" ;;
  esac
  say "prepared" ;;
exec)
  shift
  running || fail "no cluster runs in $STATE: cluster.sh up first"
  export KUBECONFIG=$STATE/admin.kubeconfig PATH="$STATE/bin:$PATH"
  inside env -C "$PWD" "$@" ;;
status)
  running || { echo "no cluster runs in $STATE"; exit 1; }
  echo "tier $(cat "$STATE/tier"), state and logs in $STATE"
  inside ps axo pid,rss,etime,args | cut -c1-110 ;;
*) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
