import type { V1Container, V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../workloads/kubernetes-object';
import type { Place } from './fault';
import { groupKind, type PodPlace } from './workload-kind';
import { ofTemplate, WORKLOAD_KINDS } from './workload-kinds';

/** A pod template inside an object, and where it stands. */
export interface PodTemplate {
  /** Seen from here the template has `metadata` and `spec`, also where the object leaves these out: see `placeInObject`. */
  readonly place: Place;
  readonly metadata: V1ObjectMeta;
  /** With what an operator adds to it, as far as rules ask for that. */
  readonly spec: V1PodSpec;
  /** Pods that run from it at one time, where the object says so. */
  readonly pods?: number;
  /** The role of a job that has roles. */
  readonly role?: string;
}

/** Every pod template of an object: of the kinds in the table, and of others that have one in `spec.template`. */
export function podTemplates(object: KubernetesObject): PodTemplate[] {
  return placesOf(object).flatMap(({ template, ...where }) => template?.spec === undefined ? []
    : [{ ...where, metadata: template.metadata ?? {}, spec: template.spec }]);
}

/** All containers of a pod, init containers first. */
export function containers({ spec }: PodTemplate): V1Container[] {
  return [...spec.initContainers ?? [], ...spec.containers];
}

/** A place as the object has it: some kinds have the fields of a pod by themselves, where others have a template with `metadata` and `spec`. */
export function placeInObject(object: KubernetesObject, place: Place): Place {
  const { bare = [] } = WORKLOAD_KINDS.get(groupKind(object)) ?? {};
  const around = bare.find((outer) => outer.every((key, index) => place[index] === key) && ['spec', 'metadata'].includes(String(place[outer.length])));
  return around === undefined ? place : [...around, ...place.slice(around.length + 1)];
}

function placesOf(object: KubernetesObject): PodPlace[] {
  const known = WORKLOAD_KINDS.get(groupKind(object));
  return known?.pods(object) ?? [ofTemplate(object.spec ?? {}, 'spec')];
}
