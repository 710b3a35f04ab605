# Sourced by cluster.sh: the daemons, in the order that they need each other.
# shellcheck shell=bash

start() { # NAME COMMAND...
  local name=$1; shift
  inside env -C "$STATE" "$@" >"$STATE/log/$name.log" 2>&1 </dev/null &
}

render() { # conf/$1 -> $2, with ${STATE} and such filled in
  local text v; text=$(<"$here/conf/$1")
  for v in STATE BIN SYS CGROUP NODE_IP SERVICE_CIDR POD_CIDR; do text=${text//\$\{$v\}/${!v}}; done
  printf '%s\n' "$text" >"$2"
}

kubectl() { inside "$BIN" kubectl --kubeconfig "$STATE/admin.kubeconfig" "$@"; }
ctr() { inside ctr -a /run/containerd/containerd.sock "$@"; }

start_daemons() {
  local gates=GenericWorkload=true,GangScheduling=true importing=""
  start_api "$gates"
  if full; then start_containerd; import_images & importing=$!; fi
  until_ok 60 "apiserver /readyz" kubectl get --raw /readyz
  start_controllers "$gates"
  if full; then start_node; fi
  until_ok 60 "default service account" kubectl -n default get sa default
  make_objects; say "resource definitions and queues"
  start operators "$BIN" operators --kubeconfig "$STATE/admin.kubeconfig"
  start volumes "$BIN" volumes --kubeconfig "$STATE/admin.kubeconfig" --root "$STATE/volumes"
  if full; then
    until_ok 60 "node Ready" kubectl wait --for=condition=Ready node/real --timeout=1s
    until_ok 60 "devices advertised" devices_advertised
    inside "$BIN" nodes --kubeconfig "$STATE/admin.kubeconfig" --config "$here/conf/nodes.json" --devices "$here/conf/devices.json" --real real
    wait "$importing"
  else
    inside "$BIN" nodes --kubeconfig "$STATE/admin.kubeconfig" --config "$here/conf/nodes.json"
  fi
  until_ok 60 "simulated nodes Ready" simulated_nodes_ready
  say "simulated nodes"
}

start_api() { # FEATURE-GATES
  start etcd "$BIN" etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn --listen-client-urls http://127.0.0.1:2379 \
    --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
  start kube-apiserver "$BIN" kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address="$NODE_IP" --secure-port=6443 \
    --tls-cert-file=pki/apiserver.crt --tls-private-key-file=pki/apiserver.key --client-ca-file=pki/ca.crt --token-auth-file=pki/tokens.csv \
    --kubelet-client-certificate=pki/kubelet-client.crt --kubelet-client-key=pki/kubelet-client.key --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-account-key-file=pki/sa.pub \
    --service-account-signing-key-file=pki/sa.key --service-cluster-ip-range="$SERVICE_CIDR" --authorization-mode=Node,RBAC \
    --enable-admission-plugins=NodeRestriction --allow-privileged=true \
    --feature-gates="$1" --runtime-config=scheduling.k8s.io/v1alpha2=true
}

start_controllers() { # FEATURE-GATES
  start kube-controller-manager "$BIN" kube-controller-manager --kubeconfig="$STATE/kube-controller-manager.kubeconfig" --leader-elect=false \
    --kube-api-qps=500 --kube-api-burst=500 --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt \
    --use-service-account-credentials --pvclaimbinder-sync-period=1s --feature-gates="$1"
  # the scheduler may list and annotate what its chip plugin needs
  kubectl create clusterrolebinding scheduler-annotates-pods --clusterrole=admin --user=system:kube-scheduler >/dev/null
  render scheduler.yaml "$STATE/scheduler.yaml"
  start kube-scheduler "$BIN" kube-scheduler --config="$STATE/scheduler.yaml" --feature-gates="$1"
  "$BIN" kwok-stages >"$STATE/kwok-stages.yaml"
  start kwok "$BIN" kwok --kubeconfig="$STATE/admin.kubeconfig" --config="$STATE/kwok-stages.yaml" \
    --manage-nodes-with-label-selector=type=kwok --node-ip=172.30.1.1 --cidr=10.245.0.0/16
}

start_containerd() {
  render containerd.toml "$STATE/containerd.toml"; render cni.conflist "$STATE/cni/10-cluster.conflist"
  mkdir -p "$STATE/certs.d/_default"; render hosts.toml "$STATE/certs.d/_default/hosts.toml"
  start registry "$BIN" registry --listen "$NODE_IP:5000" "$IMAGES"/*.tar ${VENDOR_IMAGES:+"$VENDOR_IMAGES"/*.tar}
  start containerd containerd --config "$STATE/containerd.toml"
  until_ok 30 containerd ctr version
  ctr -n k8s.io images import "$IMAGES/pause.tar" >/dev/null
}

import_images() {
  ctr -n k8s.io images import "$IMAGES/work.tar" >/dev/null
  say "images imported"
}

start_node() {
  local c
  for c in kubelet.yaml kube-proxy.yaml Corefile; do render "$c" "$STATE/$c"; done
  start kubelet "$BIN" kubelet --config="$STATE/kubelet.yaml" --kubeconfig="$STATE/kubelet.kubeconfig" --hostname-override=real \
    --node-ip="$NODE_IP" --node-labels=test.cluster/real=true
  start device-plugin "$BIN" device-plugin --config "$here/conf/devices.json" --device-dir "$STATE/devices" --health-dir "$STATE/health" \
    --kubeconfig "$STATE/admin.kubeconfig" --node real --node-ip "$NODE_IP"
  start kube-proxy "$BIN" kube-proxy --config="$STATE/kube-proxy.yaml"
  start coredns "$BIN" coredns -conf "$STATE/Corefile"
}

make_objects() {
  inside "$BIN" resources --kubeconfig "$STATE/admin.kubeconfig" --folder "$here/crds"
  kubectl wait --for=condition=Established crd --all --timeout=20s >/dev/null
  until kubectl apply -f "$here/conf/objects.yaml" >/dev/null 2>"$STATE/log/objects.log"; do sleep 0.2; done
}

devices_advertised() { # the first and the last of the list
  local allocatable; allocatable=$(kubectl get node real -o 'jsonpath={.status.allocatable}')
  grep -q '"huawei.com/Ascend910":"16"' <<<"$allocatable" && grep -q '"squat.ai/bm1684x":"8"' <<<"$allocatable"
}

simulated_nodes_ready() { # the node controller takes its taints off some time after kwok says Ready
  local taints; taints=$(kubectl get nodes -l type=kwok -o 'jsonpath={.items[*].spec.taints[*].key}') || return
  ! grep -q 'node.kubernetes.io/' <<<"$taints"
}
