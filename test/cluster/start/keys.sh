# Sourced by cluster.sh: certificates and kubeconfigs, in about 0.1 s.
# shellcheck shell=bash

make_keys() (
  mkdir -p "$STATE/pki"; cd "$STATE/pki"
  quiet() { openssl "$@" 2>/dev/null; }
  private() { quiet ecparam -name prime256v1 -genkey -noout -out "$1.key"; }
  signed() { # NAME SUBJECT [EXTENSIONS]
    private "$1"
    quiet req -new -key "$1.key" -subj "$2" |
      quiet x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" -extfile <(echo "${3:-}")
  }
  private ca; quiet req -x509 -new -key ca.key -days 30 -subj /CN=cluster-ca -out ca.crt
  local names=DNS:localhost n
  for n in kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local; do names=$names,DNS:$n; done
  signed apiserver /CN=kube-apiserver "subjectAltName=$names,IP:127.0.0.1,IP:$NODE_IP,IP:10.96.0.1"
  signed kubelet-client /O=system:masters/CN=apiserver-kubelet-client
  private sa; quiet ec -in sa.key -pubout -out sa.pub
  : >tokens.csv
  user admin admin system:masters
  user kube-controller-manager system:kube-controller-manager ""
  user kube-scheduler system:kube-scheduler ""
  user kube-proxy system:kube-proxy ""
  user kubelet system:node:real system:nodes
)

user() { # FILE USER GROUP
  local token; token=$(openssl rand -hex 16)
  echo "$token,$2,$2,\"$3\"" >>tokens.csv
  cat >"$STATE/$1.kubeconfig" <<K
apiVersion: v1
kind: Config
clusters: [{name: cluster, cluster: {server: "https://127.0.0.1:6443", certificate-authority: "$STATE/pki/ca.crt"}}]
users: [{name: $1, user: {token: $token}}]
contexts: [{name: cluster, context: {cluster: cluster, user: $1}}]
current-context: cluster
K
}
