import type { V1Container } from '@kubernetes/client-node';

import type { KubernetesObject } from '../workloads/kubernetes-object';
import { type DeviceRequest, devicesOf } from './device-resources';
import type { Fault, Place } from './fault';
import { conform } from './object-shape';
import { type PodTemplate, podTemplates } from './pod-template';
import { withoutNulls } from './shape';

/** An object with what rules ask of it again and again. */
export interface ExaminedObject {
  readonly object: KubernetesObject;
  readonly namespace: string;
  readonly pods: readonly ExaminedPod[];
  /** All containers of all pods, each with its pod. */
  readonly containers: readonly (readonly [ExaminedContainer, ExaminedPod])[];
  /** What was no string where Kubernetes takes only strings, and what had another kind of value than it may have; both are mended in `object`. */
  readonly notText: readonly Fault[];
  readonly notFitting: readonly Fault[];
}

/** A pod template with what follows from the object around it. */
export interface ExaminedPod extends PodTemplate {
  readonly object: KubernetesObject;
  readonly containers: readonly ExaminedContainer[];
  /** Who places the pods, where the manifest says so. */
  readonly scheduler: string | undefined;
  /** The devices of one pod. */
  readonly devices: readonly DeviceRequest[];
}

/** A container and what it asks for. */
export interface ExaminedContainer {
  readonly container: V1Container;
  readonly place: Place;
  readonly devices: readonly DeviceRequest[];
  /** Command and arguments in one line. */
  readonly commandLine: string;
}

/** What a check gives back that finds nothing; nobody adds to it. */
const NONE: Fault[] = [];

/** Prepares an object for the rules. */
export function examine(given: KubernetesObject): ExaminedObject {
  const { object, notText, notFitting } = conform(withoutNulls(given) as KubernetesObject);
  const { namespace = '' } = object.metadata as { namespace?: string };
  const pods = podTemplates(object).map((template) => examinePod(object, template));
  const containers = pods.flatMap((pod) => pod.containers.map((container) => [container, pod] as const));
  return { object, namespace, pods, containers, notText, notFitting };
}

/** `Kind/name`. */
export function nameOf({ kind, metadata }: KubernetesObject): string {
  const { name, generateName = '' } = metadata as { name: string; generateName?: string };
  return `${kind}/${name === '' ? generateName : name}`;
}

/** The API group, empty for that of Kubernetes' core. */
export function groupOf({ apiVersion }: KubernetesObject): string {
  return apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : '';
}

/** Whether Volcano places the pods: it alone writes which devices a pod gets into annotations. */
export function isVolcano({ scheduler }: ExaminedPod): boolean {
  return scheduler?.includes('volcano') === true;
}

/** How many devices a container or a pod gets. */
export function deviceCount({ devices }: { readonly devices: readonly DeviceRequest[] }): number {
  return devices.reduce((sum, { count }) => sum + (Number.isNaN(count) ? 0 : count), 0);
}

/** A check of every pod; places are seen from the pod template. */
export function inPods(check: (pod: ExaminedPod, object: ExaminedObject) => Fault[]): (object: ExaminedObject) => Fault[] {
  return (object) => {
    let found = NONE;
    for (const pod of object.pods) {
      found = joined(found, pod.place, check(pod, object));
    }
    return found;
  };
}

/** A check of every pod that asks for devices. */
export function inDevicePods(check: (pod: ExaminedPod, object: ExaminedObject) => Fault[]): (object: ExaminedObject) => Fault[] {
  return inPods((pod, object) => pod.devices.length === 0 ? NONE : check(pod, object));
}

/** A check of every container, init containers first; places are seen from the container. */
export function inContainers(check: (container: ExaminedContainer, pod: ExaminedPod) => Fault[]): (object: ExaminedObject) => Fault[] {
  return ({ containers }) => {
    let found = NONE;
    for (const [container, pod] of containers) {
      found = joined(found, container.place, check(container, pod));
    }
    return found;
  };
}

/** A check of every container that asks for devices. */
export function inDeviceContainers(check: (container: ExaminedContainer, pod: ExaminedPod) => Fault[]): (object: ExaminedObject) => Fault[] {
  return inContainers((container, pod) => container.devices.length === 0 ? NONE : check(container, pod));
}

/** Nearly every check finds nothing, so nothing new is made then. */
function joined(found: Fault[], place: Place, more: readonly Fault[]): Fault[] {
  return more.length === 0 ? found : [...found, ...more.map(({ message, place: inside }) => ({ message, place: [...place, ...inside] }))];
}

function examinePod(object: KubernetesObject, template: PodTemplate): ExaminedPod {
  const { place, spec } = template;
  const containers = [
    ...(spec.initContainers ?? []).map((container, index) => examineContainer(container, [...place, 'spec', 'initContainers', index])),
    ...spec.containers.map((container, index) => examineContainer(container, [...place, 'spec', 'containers', index])),
  ];
  const running = containers.slice(spec.initContainers?.length ?? 0).flatMap(({ devices }) => devices);
  // What an init container asks for is handed on to the containers after it.
  const devices = running.length > 0 ? running : containers.find((container) => container.devices.length > 0)?.devices ?? [];
  return { ...template, object, containers, scheduler: schedulerOf(object, template), devices };
}

function examineContainer(container: V1Container, place: Place): ExaminedContainer {
  return { container, place, devices: devicesOf(container), commandLine: [...container.command ?? [], ...container.args ?? []].join(' ') };
}

/** Volcano places its own Jobs, and AscendJobs, unless they say otherwise. */
function schedulerOf(object: KubernetesObject, { spec }: PodTemplate): string | undefined {
  const ofObject = (object.spec as { schedulerName?: unknown } | undefined)?.schedulerName;
  const own = object.apiVersion.startsWith('batch.volcano.sh/') || object.kind === 'AscendJob' ? 'volcano' : undefined;
  return spec.schedulerName ?? (typeof ofObject === 'string' ? ofObject : own);
}
