import type { V1Container, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../workloads/kubernetes-object';
import type { Place } from './fault';

/** A pod template inside an object, and where it stands. */
export interface PodTemplate {
  readonly place: Place;
  readonly metadata: V1ObjectMeta;
  readonly spec: V1PodSpec;
  /** Pods that run from it at one time, where the object says so. */
  readonly pods?: number;
  /** The role of an AscendJob. */
  readonly role?: string;
}

interface Template { readonly metadata?: V1ObjectMeta; readonly spec?: V1PodSpec }
interface Role { readonly replicas?: unknown; readonly template?: Template }

/** The parts of workloads that lead to pod templates. */
interface WorkloadSpec {
  readonly template?: Template;
  readonly replicas?: unknown;
  readonly parallelism?: unknown;
  readonly jobTemplate?: { readonly spec?: WorkloadSpec };
  readonly tasks?: readonly Role[];
  readonly replicaSpecs?: Readonly<Record<string, Role>>;
}

interface Candidate extends Omit<PodTemplate, 'metadata' | 'spec'> { readonly template: Template | undefined }

/** Every pod template of an object: of Pods, of the workloads of Kubernetes, of Volcano Jobs and of AscendJobs. */
export function podTemplates(object: KubernetesObject): PodTemplate[] {
  return candidates(object).flatMap(({ template, ...where }) => template?.spec === undefined ? []
    : [{ ...where, metadata: template.metadata ?? {}, spec: template.spec }]);
}

/** All containers of a pod, init containers first. */
export function containers({ spec }: PodTemplate): V1Container[] {
  return [...spec.initContainers ?? [], ...spec.containers];
}

function candidates(object: KubernetesObject): Candidate[] {
  if (object.kind === 'Pod') {
    return [{ place: [], template: { metadata: object.metadata, spec: object.spec as V1PodSpec }, pods: 1 }];
  }
  const spec = (object.spec ?? {}) as WorkloadSpec;
  return [
    { place: ['spec', 'template'], template: spec.template, ...podCount(object, spec) },
    { place: ['spec', 'jobTemplate', 'spec', 'template'], template: spec.jobTemplate?.spec?.template, ...podCount(object, spec.jobTemplate?.spec ?? {}) },
    ...(spec.tasks ?? []).map(({ template, replicas }, index) => ({ place: ['spec', 'tasks', index, 'template'], template, pods: whole(replicas) })),
    ...Object.entries(spec.replicaSpecs ?? {}).map(([role, { template, replicas }]) => (
      { place: ['spec', 'replicaSpecs', role, 'template'], template, pods: whole(replicas), role })),
  ];
}

/** A DaemonSet has as many pods as nodes, which nobody here knows. */
function podCount({ kind }: KubernetesObject, { replicas, parallelism }: WorkloadSpec): { pods?: number } {
  return kind === 'DaemonSet' ? {} : { pods: whole(replicas ?? parallelism) };
}

function whole(count: unknown): number {
  return typeof count === 'number' ? count : 1;
}
