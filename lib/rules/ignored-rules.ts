import type { KubernetesObject } from '../workloads/kubernetes-object';

/** The annotation of an object that lists the rules which do not apply to it, separated by commas. */
export const IGNORE_ANNOTATION = 'cdk8s-chatglm/ignore';

/** The ids of the rules that an object wants to be left alone by. */
export function ignoredRules({ metadata }: KubernetesObject): string[] {
  const listed = metadata.annotations?.[IGNORE_ANNOTATION] ?? '';
  return listed === '' ? [] : listed.split(',').map((id) => id.trim()).filter((id) => id !== '');
}
