import type { V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../workloads/kubernetes-object';
import type { Place } from './fault';
import { type Shape } from './shape';

/** A kind of object with pods: what its `spec` is like, and where the pods stand in it. */
export interface WorkloadKind {
  readonly spec: Shape;
  /** The places of pods in an object whose `spec` has the shape. */
  readonly pods: (object: KubernetesObject) => PodPlace[];
  /** Where the fields of pods stand by themselves, without the `spec` and the `metadata` of a template around them. */
  readonly bare?: readonly Place[];
}

/** Where a pod template may stand in an object. */
export interface PodPlace {
  readonly place: Place;
  readonly template: Template | undefined;
  /** Pods that run from it at one time, where the object says so. */
  readonly pods?: number;
  readonly role?: string;
}

/** A pod template. */
export interface Template { readonly metadata?: V1ObjectMeta; readonly spec?: V1PodSpec }

/** A part of a workload that makes pods: a role, a task, a group. */
export interface Replicas { readonly replicas?: unknown; readonly template?: Template }

/** A row of the table of kinds. */
export function workloadKind<Spec>(spec: Shape, pods: (spec: Partial<Spec>, object: KubernetesObject) => PodPlace[], bare?: readonly Place[]): WorkloadKind {
  return { spec, pods: (object) => pods(object.spec ?? {}, object), ...(bare !== undefined && { bare }) };
}

/** A count, or what stands for it where there is none. */
export function whole(count: unknown, otherwise = 1): number {
  return typeof count === 'number' ? count : otherwise;
}

/** The API group and the kind, by which one is told from kinds of the same name: `apps/Deployment`, `/Pod`. */
export function groupKind({ apiVersion, kind }: KubernetesObject): string {
  return `${apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')))}/${kind}`;
}

/** A template whose pods an operator gives to a scheduler, unless they name one themselves. */
export function scheduledBy(schedulerName: string | undefined, template: Template | undefined): Template | undefined {
  return template?.spec === undefined || schedulerName === undefined ? template : { ...template, spec: { schedulerName, ...template.spec } };
}

/** A template to whose pods a controller adds volumes; they stand last, so that the others keep their places. */
export function withVolumes(names: readonly string[], template: Template | undefined): Template | undefined {
  const { spec } = template ?? {};
  return spec === undefined || names.length === 0 ? template : { ...template, spec: { ...spec, volumes: [...spec.volumes ?? [], ...names.map((name) => ({ name }))] } };
}

/** The names of claims that a controller makes. */
export function claimNames(claims: readonly { readonly metadata?: V1ObjectMeta }[] = []): string[] {
  return claims.flatMap(({ metadata }) => metadata?.name ?? []);
}
