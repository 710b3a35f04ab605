import { parseAllDocuments, stringify } from 'yaml';

/** A Kubernetes object as plain JSON. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string; readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> };
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly [field: string]: any;
}

/** The objects of a YAML text. */
export function parse(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true }).map((document) => document.toJS() as Manifest | null).filter((object) => object !== null);
}

/** YAML text for kubectl, which takes `off` for a boolean as YAML 1.1 does. */
export function print(objects: readonly Manifest[]): string {
  return objects.map((object) => stringify(object, { aliasDuplicateObjects: false, version: '1.1' })).join('---\n');
}

type Json = Record<string, unknown>;

/** Calls `change` with every pod spec in an object, however deep, and returns the changed copy. */
export function mapPodSpecs(object: Manifest, change: (spec: Json) => Json): Manifest {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(visit);
    }
    if (typeof value !== 'object' || value === null) {
      return value;
    }
    const entries = Object.entries(value).map(([key, child]) => [key, visit(child)]);
    const copy = Object.fromEntries(entries) as Json;
    return Array.isArray(copy.containers) ? defined(change(copy)) : copy;
  };
  return visit(object) as Manifest;
}

/** Sends pods to simulated nodes, which are tainted, and keeps them off the real one, which has every device. */
export function onSimulatedNodes(object: Manifest, labels: Record<string, string> = {}): Manifest {
  return mapPodSpecs(object, (spec) => ({
    ...spec,
    nodeSelector: { ...(spec.nodeSelector as Json | undefined), type: 'kwok', ...labels },
    tolerations: [...(spec.tolerations as Json[] | undefined) ?? [], { key: 'kwok.x-k8s.io/node', operator: 'Exists' }],
  }));
}

/** Sends pods to the real node, whatever product it was chosen for: it claims to be amd64 and of no product, and there is no other for a second pod. */
export function onRealNode(object: Manifest): Manifest {
  return mapPodSpecs(object, (spec) => ({ ...spec, affinity: undefined, nodeSelector: { 'test.cluster/real': 'true' } }));
}

/** The object without the fields that a change left undefined. */
function defined(spec: Json): Json {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
}

/** Probes that look every second and a short grace period, so that a test need not have production's patience. */
export function impatient(object: Manifest): Manifest {
  const quick = (probe: unknown): unknown => (typeof probe === 'object' ? { ...probe, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 5 } : undefined);
  const containers = (list: unknown): unknown => (list as Json[]).map((container) => defined({
    ...container,
    livenessProbe: quick(container.livenessProbe),
    readinessProbe: quick(container.readinessProbe),
    startupProbe: container.startupProbe === undefined ? undefined : { ...container.startupProbe as Json, periodSeconds: 1, failureThreshold: 90 },
  }));
  return mapPodSpecs(object, (spec) => ({ ...spec, terminationGracePeriodSeconds: 10, containers: containers(spec.containers) }));
}
