import { isIPv4, isIPv6 } from 'node:net';

import { type INetworkPolicyPeer, Namespaces, NetworkPolicy, NetworkPolicyIpBlock, NetworkPolicyPort, NetworkPolicyTrafficDefault, Pods } from 'cdk8s-plus-27';
import { Construct } from 'constructs';

import type { ServeTask } from '../lib/runtimes/runtime-dialect';
import type { InferenceDeploymentProps } from './inference-deployment-props';
import type { RenderedServer } from './server';

const DNS_PORTS = [NetworkPolicyPort.udp(53), NetworkPolicyPort.tcp(53)];

/**
 * Lets the pods of some namespaces connect to a server, and nobody else; the server itself reaches name servers and the given networks.
 * Probes come from the node, which a NetworkPolicy does not concern.
 */
export function renderNetworkPolicy(scope: Construct, server: RenderedServer, task: ServeTask, props: InferenceDeploymentProps): NetworkPolicy | undefined {
  const { clientNamespaces, egressCidrs = [] } = props;
  checkPolicy(props, task);
  if (clientNamespaces === undefined) {
    return undefined;
  }
  const peers = new Construct(scope, 'peers');
  const policy = new NetworkPolicy(scope, 'network-policy', {
    metadata: { name: server.name, labels: { ...server.labels } },
    selector: Pods.select(peers, 'server', { labels: { ...server.selector } }),
    ingress: { default: NetworkPolicyTrafficDefault.DENY }, egress: { default: NetworkPolicyTrafficDefault.DENY },
  });
  // A rule from an empty list of peers would let everybody in; without a rule nobody connects.
  if (clientNamespaces.length > 0) {
    policy.addIngressRule(Namespaces.select(peers, 'clients', { names: clientNamespaces }), clientPorts(task));
  }
  nameServers(peers).forEach((peer) => { policy.addEgressRule(peer, DNS_PORTS); });
  egressCidrs.forEach((cidr, index) => { policy.addEgressRule(network(peers, `egress-${String(index)}`, cidr)); });
  return policy;
}

/** Requests and metrics; the management port of a server that has one stays with the node's probes. */
function clientPorts({ fragment, metricsPort }: ServeTask): NetworkPolicyPort[] {
  return (fragment.ports ?? []).filter(({ name }) => name === 'http' || name === metricsPort).map(({ containerPort }) => NetworkPolicyPort.tcp(containerPort));
}

/** Pods of any namespace, or addresses of nodes: some networks take blocks of addresses for what is outside the cluster only. */
function nameServers(scope: Construct): INetworkPolicyPeer[] {
  return [Namespaces.all(scope, 'name-server-pods'), NetworkPolicyIpBlock.anyIpv4(scope, 'name-servers'), NetworkPolicyIpBlock.anyIpv6(scope, 'name-servers-ipv6')];
}

function network(scope: Construct, id: string, cidr: string): NetworkPolicyIpBlock {
  return cidr.includes(':') ? NetworkPolicyIpBlock.ipv6(scope, id, cidr) : NetworkPolicyIpBlock.ipv4(scope, id, cidr);
}

function checkPolicy(props: InferenceDeploymentProps, { inputs }: ServeTask): void {
  const { clientNamespaces, egressCidrs, hostNetwork = false } = props;
  if (clientNamespaces === undefined && egressCidrs !== undefined) {
    throw new Error('\'egressCidrs\' is for a NetworkPolicy, which needs \'clientNamespaces\'');
  }
  if (clientNamespaces !== undefined && hostNetwork) {
    throw new Error('\'clientNamespaces\' does not go with \'hostNetwork\': a NetworkPolicy does not apply to pods on the network of their node');
  }
  checkPeers(props);
  const downloaded = inputs.find(({ _download }) => _download !== undefined);
  if (clientNamespaces !== undefined && egressCidrs === undefined && downloaded !== undefined) {
    throw new Error(`'egressCidrs' is missing: the pod downloads ${downloaded.name}, and 'clientNamespaces' makes a NetworkPolicy that refuses it; `
      + 'give the network of the hub or of the proxy, or download by DownloadWeights first');
  }
}

function checkPeers({ clientNamespaces, egressCidrs }: InferenceDeploymentProps): void {
  const wrong = clientNamespaces?.find((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (wrong !== undefined) {
    throw new Error(`'clientNamespaces' must be names of namespaces, got '${wrong}'`);
  }
  const noCidr = egressCidrs?.find((cidr) => !isNetwork(cidr));
  if (noCidr !== undefined) {
    throw new Error(`'egressCidrs' must be networks like '10.0.0.0/8', got '${noCidr}'`);
  }
}

function isNetwork(cidr: string): boolean {
  const [address = '', bits = '', ...more] = cidr.split('/');
  const longest = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : -1;
  return more.length === 0 && /^(0|[1-9]\d*)$/.test(bits) && Number(bits) <= longest;
}
