import { type ApiObject, type Chart, JsonPatch, Size } from 'cdk8s';
import { k8s } from 'cdk8s-plus-27';

import type { PodSecurityLevel } from './clusters';

/** What the share with the weights has room for. */
export const SHARE_SIZE = Size.gibibytes(400);

/** The namespace of a chart, with the level of the Pod Security Standards that its pods need. */
export function namespaceOf(chart: Chart, level: PodSecurityLevel): void {
  const labels = Object.fromEntries(['enforce', 'audit', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]));
  clusterScoped(new k8s.KubeNamespace(chart, 'Namespace', { metadata: { name: chart.namespace!, labels } }));
}

/** Nobody is let in and nothing out but questions to the name servers; what is needed is allowed beside it. */
export function denyAll(chart: Chart): void {
  const ports = ['UDP', 'TCP'].map((protocol) => ({ port: k8s.IntOrString.fromNumber(53), protocol }));
  new k8s.KubeNetworkPolicy(chart, 'DenyAll', {
    metadata: { name: 'deny-all' },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'], egress: [{ to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }], ports }] },
  });
}

/** A volume for one claim: Kubernetes binds each volume to a single claim, so every namespace has its own for the same share. */
export function shareVolume(chart: Chart, share: { readonly server: string; readonly path: string }, readOnly: boolean): string {
  const name = `weights-of-${chart.namespace!}`;
  clusterScoped(new k8s.KubePersistentVolume(chart, 'Share', {
    metadata: { name },
    spec: {
      capacity: { storage: k8s.Quantity.fromString(`${String(SHARE_SIZE.toGibibytes())}Gi`) },
      accessModes: [readOnly ? 'ReadOnlyMany' : 'ReadWriteMany'], persistentVolumeReclaimPolicy: 'Retain',
      nfs: { ...share, readOnly }, mountOptions: ['nfsvers=4.1'],
    },
  }));
  return name;
}

/** Charts put their namespace on every object. */
function clusterScoped(object: ApiObject): void {
  object.addJsonPatch(JsonPatch.remove('/metadata/namespace'));
}
