import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

import type { ComposedPod } from './composed-pod';
import { renderCommand, renderEnv } from './env';
import { type Claim, mergeClaims, type Sourced } from './merge';
import type { CommandPart, PodFragment, PodLayers, ResourceList } from './pod-fragment';

/** Fields of a fragment that hold one value, and where they stand in the pod spec. */
const POD_SCALARS = [
  'automountServiceAccountToken', 'hostNetwork', 'hostname', 'priorityClassName', 'restartPolicy', 'runtimeClassName',
  'schedulerName', 'serviceAccountName', 'subdomain', 'terminationGracePeriodSeconds',
] as const;

const CONTAINER_SCALARS = ['containerName', 'image', 'imagePullPolicy', 'command', 'terminal'] as const;

type Maps = 'labels' | 'annotations' | 'objectLabels' | 'objectAnnotations' | 'nodeSelector';
type Resources = 'devices' | 'requests' | 'limits';

/**
 * Turns the fragments of all concerns into one pod. Nothing else builds pods.
 *
 * Inside a layer a disagreement throws and names both sources; across layers the later one wins.
 */
export function compose(layers: PodLayers): ComposedPod {
  const order = [layers.runtime, layers.devicePlugin, layers.preset, layers.platform, layers.props];
  const all = order.flat();
  return {
    labels: mergeMaps('pod label', 'labels', order),
    annotations: mergeMaps('pod annotation', 'annotations', order),
    objectLabels: mergeMaps('label', 'objectLabels', order),
    objectAnnotations: mergeMaps('annotation', 'objectAnnotations', order),
    spec: podSpec(order),
    scripts: [...new Set(all.flatMap((fragment) => fragment.scripts ?? []))].sort(),
    files: values(mergeClaims('file', order.map((layer) => listClaims(layer, (f) => f.files, (file) => file.path)))),
  };
}

type Order = readonly (readonly PodFragment[])[];

function podSpec(order: Order): V1PodSpec {
  const all = order.flat();
  const scalars = Object.fromEntries(POD_SCALARS.map((field) => [field, scalar(field, order)]));
  const security = mergeObjects('pod security context', (f) => f.podSecurityContext, order);
  const initContainers = values(mergeClaims('init container', order.map((layer) => listClaims(layer, (f) => f.initContainers, (c) => c.name))));
  return compact({
    ...scalars,
    // Pods on the host's network would else ask the host's name server, which does not know Services.
    dnsPolicy: scalars.hostNetwork === true ? 'ClusterFirstWithHostNet' : undefined,
    affinity: notEmptyMap(mergeObjects('affinity', (f) => f.affinity, order)),
    enableServiceLinks: false,
    automountServiceAccountToken: (scalar('automountServiceAccountToken', order) as boolean | undefined) ?? false,
    containers: [mainContainer(order)],
    initContainers: notEmpty(initContainers),
    hostAliases: notEmpty(all.flatMap((f) => f.hostAliases ?? [])),
    imagePullSecrets: notEmpty(unique(all.flatMap((f) => f.imagePullSecrets ?? []))),
    nodeSelector: notEmptyMap(mergeMaps('node selector', 'nodeSelector', order)),
    securityContext: notEmptyMap(security),
    tolerations: notEmpty(unique(all.flatMap((f) => f.tolerations ?? []))),
    topologySpreadConstraints: notEmpty(unique(all.flatMap((f) => f.topologySpreadConstraints ?? []))),
    volumes: notEmpty(values(mergeClaims('volume', order.map((layer) => listClaims(layer, (f) => f.volumes, (v) => v.name))))),
  });
}

function mainContainer(order: Order): V1Container {
  const [containerName, image, imagePullPolicy, command, terminal] = CONTAINER_SCALARS.map((field) => scalar(field, order)) as
    [string?, string?, string?, CommandPart[]?, boolean?];
  if (image === undefined || containerName === undefined) {
    throw new Error('a pod needs an image and a container name, but no fragment gives them');
  }
  const probes = mergeObjects('probe', (f) => f.probes, order);
  const env = values(mergeClaims('environment variable', order.map((layer) => listClaims(layer, (f) => f.env, (entry) => entry.name))));
  return compact({
    name: containerName,
    image,
    imagePullPolicy: imagePullPolicy ?? 'IfNotPresent',
    command: command && renderCommand(command),
    env: notEmpty(renderEnv(env)),
    ports: notEmpty(values(mergeClaims('port', order.map((layer) => listClaims(layer, (f) => f.ports, (p) => p.name ?? String(p.containerPort)))))),
    startupProbe: probes.startup,
    readinessProbe: probes.readiness,
    livenessProbe: probes.liveness,
    resources: resources(order),
    stdin: terminal,
    tty: terminal,
    securityContext: notEmptyMap(mergeObjects('security context', (f) => f.securityContext, order)),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: notEmpty(values(mergeClaims('mount', order.map((layer) => listClaims(layer, (f) => f.mounts, (m) => m.mountPath))))),
  });
}

/** Devices stand in both lists: Kubernetes wants requests equal to limits for what it cannot overcommit. */
function resources(order: Order): V1Container['resources'] {
  const devices = mergeResources('devices', order);
  const limits = { ...mergeResources('limits', order), ...devices };
  const requests = { ...mergeResources('requests', order), ...devices };
  // The client's types know quantities as text only; extended resources are rendered as whole numbers.
  return compact({ limits: notEmptyMap(limits), requests: notEmptyMap(requests) }) as V1Container['resources'];
}

function mergeResources(field: Resources, order: Order): ResourceList {
  return mergeRecords(field === 'devices' ? 'device resource' : `resource ${field.slice(0, -1)}`, (f) => f[field], order) as ResourceList;
}

function mergeMaps(what: string, field: Maps, order: Order): Record<string, string> {
  return mergeRecords(what, (fragment) => fragment[field], order) as Record<string, string>;
}

function mergeObjects<T extends object>(what: string, pick: (fragment: PodFragment) => T | undefined, order: Order): Partial<T> {
  return mergeRecords(what, pick, order) as Partial<T>;
}

function mergeRecords(what: string, pick: (fragment: PodFragment) => object | undefined, order: Order): Record<string, unknown> {
  const claims = order.map((layer) => layer.flatMap((fragment) => Object.entries(pick(fragment) ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([key, value]): Claim<unknown> => ({ key, source: fragment.source, value }))));
  return Object.fromEntries([...mergeClaims(what, claims)].map(([key, { value }]) => [key, value]));
}

function scalar(field: (typeof POD_SCALARS)[number] | (typeof CONTAINER_SCALARS)[number], order: Order): unknown {
  // Most pods say nothing of most fields.
  if (order.every((layer) => layer.every((fragment) => fragment[field] === undefined))) {
    return undefined;
  }
  const claims = order.map((layer) => layer.filter((fragment) => fragment[field] !== undefined)
    .map((fragment): Claim<unknown> => ({ key: field, source: fragment.source, value: fragment[field] })));
  return mergeClaims('pod field', claims).get(field)?.value;
}

function listClaims<T>(layer: readonly PodFragment[], pick: (f: PodFragment) => readonly T[] | undefined, key: (item: T) => string): Claim<T>[] {
  return layer.flatMap((fragment) => (pick(fragment) ?? []).map((value) => ({ key: key(value), source: fragment.source, value })));
}

function values<T>(merged: Map<string, Sourced<T>>): T[] {
  return [...merged.values()].map(({ value }) => value);
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}

function notEmpty<T>(items: T[]): T[] | undefined {
  return items.length > 0 ? items : undefined;
}

function notEmptyMap<T extends object>(map: T): T | undefined {
  return Object.keys(map).length > 0 ? map : undefined;
}

function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
