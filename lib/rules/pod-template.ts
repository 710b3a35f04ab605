import type { V1Container, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../workloads/kubernetes-object';

/** A pod template inside an object, and where it stands. */
export interface PodTemplate {
  readonly path: string;
  readonly metadata: V1ObjectMeta;
  readonly spec: V1PodSpec;
}

interface Template { readonly metadata?: V1ObjectMeta; readonly spec?: V1PodSpec }
interface Role { readonly name?: string; readonly template?: Template }

/** Every pod template of an object: of Pods, of the workloads of Kubernetes, of Volcano Jobs and of AscendJobs. */
export function podTemplates(object: KubernetesObject): PodTemplate[] {
  const spec = (object.spec ?? {}) as {
    readonly template?: Template; readonly jobTemplate?: { readonly spec?: { readonly template?: Template } };
    readonly tasks?: readonly Role[]; readonly replicaSpecs?: Readonly<Record<string, Role>>;
  };
  const candidates: [string, Template | undefined][] = [
    ['spec', object.kind === 'Pod' ? { metadata: object.metadata, spec: object.spec as V1PodSpec } : undefined],
    ['spec.template', spec.template],
    ['spec.jobTemplate.spec.template', spec.jobTemplate?.spec?.template],
    ...(spec.tasks ?? []).map(({ template }, index): [string, Template | undefined] => [`spec.tasks[${String(index)}].template`, template]),
    ...Object.entries(spec.replicaSpecs ?? {}).map(([role, { template }]): [string, Template | undefined] => [`spec.replicaSpecs.${role}.template`, template]),
  ];
  return candidates.flatMap(([path, template]) => template?.spec === undefined ? [] : [{ path, metadata: template.metadata ?? {}, spec: template.spec }]);
}

/** All containers of a pod, init containers first. */
export function containers({ spec }: PodTemplate): V1Container[] {
  return [...spec.initContainers ?? [], ...spec.containers];
}
