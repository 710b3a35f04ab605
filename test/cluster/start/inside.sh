# Sourced inside the new namespaces, before any daemon starts.
# shellcheck shell=bash

private_folders() {
  mount --make-rshared /
  if [ -d /var/lib/kubelet ] && [ "$(id -u)" = 0 ]; then # the path of device plugins is fixed in the kubelet
    mount --bind "$STATE/kubelet" /var/lib/kubelet
    mount --make-rshared /var/lib/kubelet
  fi
  mount --bind "$STATE/run" /run
  mount --bind "$STATE/varlog" /var/log
}

network() { # no bridge and no way out: what is not in here cannot be reached
  ip link set lo up
  ip link add node0 type veth peer name node0p
  ip link set node0p up; ip link set node0 up
  ip addr add "$NODE_IP/24" dev node0
  ip route add default dev node0
  echo 1 >/proc/sys/net/ipv4/ip_forward
  echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 || true
}

resolver() {
  echo "nameserver $NODE_IP" >"$STATE/resolv.conf"
  mount --bind "$STATE/resolv.conf" /etc/resolv.conf
}

# host_files lays stand-ins for what the vendors' drivers install over the node's folders.
host_files() { # FOLDER
  local d
  umount /etc/resolv.conf # an overlay over /etc would hide it
  for d in $(ls "$1"); do
    mkdir -p "$STATE/over/$d.up" "$STATE/over/$d.work"
    cp -R --preserve=mode "$1/$d/." "$STATE/over/$d.up/"
    mount -t overlay overlay -o "lowerdir=/$d,upperdir=$STATE/over/$d.up,workdir=$STATE/over/$d.work" "/$d"
  done
  resolver
}

# hardware makes the node claim 192 CPUs and 1.5 TiB, so that production's requests run. cAdvisor reads it
# here; containers mount their own proc and sysfs and see the truth.
hardware() {
  local cpus=192 memory_gib=1536 i f
  mkdir -p "$STATE/hw/node" "$STATE/hw/cpu"
  # no topology files on purpose: with them the kubelet would write these CPUs into a cpuset
  for ((i = 0; i < cpus; i++)); do mkdir -p "$STATE/hw/cpu/cpu$i"; done
  for f in online possible present; do echo "0-$((cpus - 1))" >"$STATE/hw/cpu/$f"; done
  mount --bind "$STATE/hw/node" /sys/devices/system/node
  mount --bind "$STATE/hw/cpu" /sys/devices/system/cpu
  sed "s/^MemTotal:.*/MemTotal: $((memory_gib << 20)) kB/" /proc/meminfo >"$STATE/hw/meminfo"
  mount --bind "$STATE/hw/meminfo" /proc/meminfo
}
