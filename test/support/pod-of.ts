import type { V1Container, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';

import { podTemplates } from '../../lib/rules/pod-template';
import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

/** The pod template of an object, and its main container. */
export function podOf(object: KubernetesObject): { metadata: V1ObjectMeta; spec: V1PodSpec; container: V1Container } {
  const { metadata, spec } = podTemplates(object)[0]!;
  return { metadata, spec, container: spec.containers[0]! };
}

/** The requests and limits of an object's main container for what is neither cpu nor memory. */
export function devicesOf(object: KubernetesObject): { requests: Record<string, unknown>; limits: Record<string, unknown> } {
  const { resources } = podOf(object).container;
  return { requests: extended(resources?.requests), limits: extended(resources?.limits) };
}

function extended(quantities: object = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(quantities).filter(([name]) => name.includes('/')));
}
