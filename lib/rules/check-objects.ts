import type { KubernetesObject } from '../workloads/kubernetes-object';
import { DEVICE_RULES } from './device-rules';
import { HYGIENE_RULES } from './hygiene-rules';
import type { Finding, Rule } from './rule';

/** Every rule. */
export const RULES: readonly Rule[] = [...DEVICE_RULES, ...HYGIENE_RULES];

/** What the rules find in Kubernetes objects, in the objects' order. */
export function checkObjects(objects: readonly KubernetesObject[]): Finding[] {
  return objects.flatMap((object) => RULES.flatMap((rule) => rule.check(object)
    .map((message) => ({ rule: rule.id, object: `${object.kind}/${object.metadata.name}`, message }))));
}
