import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../../../lib/workloads/kubernetes-object';

/** A rule, manifests that no rule finds anything in, manifests that this one finds something in, and what it finds. */
export type RuleCase = readonly [rule: string, right: KubernetesObject | KubernetesObject[], wrong: KubernetesObject | KubernetesObject[], messages: string[]];

/** Parts of a workload that differ from an ordinary one; lists are joined, maps merged. */
export interface Parts {
  readonly container?: { readonly [field in keyof V1Container]?: unknown };
  readonly pod?: { readonly [field in keyof V1PodSpec]?: unknown };
  readonly podMetadata?: Metadata;
  readonly metadata?: Metadata & { readonly name?: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

interface Metadata { readonly labels?: Readonly<Record<string, unknown>>; readonly annotations?: Readonly<Record<string, unknown>> }

const CONTAINER = { name: 'main', image: 'registry.example/image:1' };

/** Several parts as one. */
export function all(...parts: Parts[]): Parts {
  return parts.reduce((left, right) => merged(left, right) as Parts, {});
}

function merged(left: unknown, right: unknown): unknown {
  if (Array.isArray(left) && Array.isArray(right)) {
    return [...left as unknown[], ...right as unknown[]];
  }
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) {
    return right;
  }
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return Object.fromEntries(keys.map((key) => [key, key in left && key in right ? merged((left as Parts)[key as 'pod'], (right as Parts)[key as 'pod']) : (right as Parts)[key as 'pod'] ?? (left as Parts)[key as 'pod']]));
}

function template({ container, pod, podMetadata }: Parts, restartPolicy?: string): object {
  return { metadata: podMetadata ?? {}, spec: merged({ ...(restartPolicy !== undefined && { restartPolicy }), containers: [merged(CONTAINER, container ?? {})] }, pod ?? {}) };
}

export function job(...parts: Parts[]): KubernetesObject {
  const { metadata, spec, ...pod } = all(...parts);
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'train', ...metadata } as KubernetesObject['metadata'], spec: { ...spec, template: template(pod, 'Never') } };
}

export function deployment(...parts: Parts[]): KubernetesObject {
  const { metadata, spec, ...pod } = all({ podMetadata: { labels: { app: 'chat' } } }, ...parts);
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'chat', ...metadata } as KubernetesObject['metadata'],
    spec: { strategy: { type: 'Recreate' }, selector: { matchLabels: { app: 'chat' } }, ...spec, template: template(pod) },
  };
}

/** A StatefulSet of the pods of a Deployment. */
export function statefulSet({ spec, ...others }: KubernetesObject): KubernetesObject {
  const { strategy: _, ...same } = spec as Readonly<Record<string, unknown>>;
  return { ...others, kind: 'StatefulSet', spec: { serviceName: 'chat', ...same } };
}

/** A Volcano Job of `pods` pods. */
export function volcanoJob(pods: number, ...parts: Parts[]): KubernetesObject {
  const { metadata, spec, ...pod } = all(...parts);
  return {
    apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job', metadata: { name: 'train', ...metadata } as KubernetesObject['metadata'],
    spec: { minAvailable: pods, schedulerName: 'volcano', ...spec, tasks: [{ name: 'worker', replicas: pods, template: template(pod, 'Never') }] },
  };
}

/** An AscendJob for MindSpore: a Scheduler, and Workers of the given parts. */
export function ascendJob(workers: number, ...parts: Parts[]): KubernetesObject {
  const { metadata, spec, ...pod } = all({ container: { name: 'ascend' }, metadata: { labels: { framework: 'mindspore' } } }, ...parts);
  return {
    apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', metadata: { name: 'train', ...metadata } as KubernetesObject['metadata'],
    spec: {
      schedulerName: 'volcano', runPolicy: { schedulingPolicy: { minAvailable: workers + 1 } },
      replicaSpecs: {
        Scheduler: { replicas: 1, template: template({ container: { name: 'ascend' } }) },
        Worker: { replicas: workers, template: template(pod) },
      },
      ...spec,
    },
  };
}

/** A Job set of one kind of Jobs, each with these parts. */
export function jobSet(jobs: number, ...parts: Parts[]): KubernetesObject {
  const { spec } = job(...parts);
  return {
    apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet', metadata: { name: 'train', ...all(...parts).metadata } as KubernetesObject['metadata'],
    spec: { replicatedJobs: [{ name: 'worker', replicas: jobs, template: { spec } }] },
  };
}

/** An object without anything to say. */
export function object(kind: string, name: string, fields: Readonly<Record<string, unknown>> = {}, apiVersion = 'v1'): KubernetesObject {
  const { metadata, ...others } = fields;
  return { apiVersion, kind, metadata: { name, ...metadata as object }, ...others };
}

/** A container that asks for devices, with memory of the host and shared memory. */
export function asks(resource: string, count: number | string = 1): Parts {
  return all({
    container: {
      resources: { limits: { [resource]: count }, requests: { [resource]: count, memory: '16Gi' } },
      volumeMounts: [{ name: 'dshm', mountPath: '/dev/shm' }],
    },
    pod: { volumes: [{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '8Gi' } }] },
  });
}

export function env(name: string, value: unknown): Parts {
  return { container: { env: [{ name, value }] } };
}

/** A variable that is read from a field of the pod. */
export function fieldRef(name: string, fieldPath: string): Parts {
  return { container: { env: [{ name, valueFrom: { fieldRef: { fieldPath } } }] } };
}

/** A node selector of a pod. */
export function on(nodeSelector: Readonly<Record<string, unknown>>): Parts {
  return { pod: { nodeSelector } };
}

export function podLabels(labels: Readonly<Record<string, unknown>>): Parts {
  return { podMetadata: { labels } };
}

export function labels(of: Readonly<Record<string, unknown>>): Parts {
  return { metadata: { labels: of } };
}

export function annotations(of: Readonly<Record<string, unknown>>): Parts {
  return { metadata: { annotations: of } };
}

/** Command and arguments of the container. */
export function runs(...command: unknown[]): Parts {
  return { container: { command } };
}

/** A ConfigMap volume at a path. */
export function configMapAt(configMap: string, mountPath: string, subPath?: string, defaultMode?: number): Parts {
  return {
    container: { volumeMounts: [{ name: 'config', mountPath, ...(subPath !== undefined && { subPath }) }] },
    pod: { volumes: [{ name: 'config', configMap: { name: configMap, ...(defaultMode !== undefined && { defaultMode }) } }] },
  };
}

export const VOLCANO: Parts = { pod: { schedulerName: 'volcano' } };
export const ASCEND_910 = 'huawei.com/Ascend910';
export const ASCEND_310P = 'huawei.com/Ascend310P';
export const MLU370 = 'cambricon.com/mlu370';
export const RING = 'ring-controller.atlas';
export const POLICY = 'huawei.com/schedule_policy';
