import type { KubernetesObject } from '../workloads/kubernetes-object';
import { CLAIM_TEMPLATES, METADATA, TEMPLATE, texts } from './pod-shape';
import { type Conformed, fields, isMap, list, scalar, type Shape, text } from './shape';
import { groupKind } from './workload-kind';
import { WORKLOAD_KINDS } from './workload-kinds';

const SCALE_TARGET = fields({ scaleTargetRef: fields({ kind: text, name: text }) });

/** The `spec` of the kinds that rules look into, by API group and kind. */
const SPECS: readonly (readonly [string, Shape])[] = [
  ...[...WORKLOAD_KINDS].map(([kind, { spec }]) => [kind, spec] as const),
  ['/Service', fields({ selector: texts, clusterIP: text, ports: list(fields({ name: text, port: scalar, targetPort: scalar }), {}) })],
  ['autoscaling/HorizontalPodAutoscaler', SCALE_TARGET],
  ['keda.sh/ScaledObject', SCALE_TARGET],
  ['policy/PodDisruptionBudget', fields({ selector: fields({ matchLabels: texts }), minAvailable: scalar, maxUnavailable: scalar })],
  ['/PersistentVolumeClaim', fields({ accessModes: list(text, '') })],
];

const HEAD = { apiVersion: text, kind: text, metadata: METADATA };
const OTHER = fields(HEAD);
const OTHER_SPEC = fields({ spec: fields({ volumeClaimTemplates: CLAIM_TEMPLATES }) });
const SHAPES = new Map<string, Shape>([
  ['/ConfigMap', fields({ ...HEAD, data: texts })],
  ...SPECS.map(([kind, spec]): [string, Shape] => [kind, fields({ ...HEAD, spec })]),
]);
/** By the kind alone, as some rules look at objects. Of several the first counts, which is Kubernetes' own. */
const NAMESAKES = new Map([...SHAPES].reverse().map(([kind, shape]) => [kind.replace(/.*\//, ''), shape]));

/** An object whose parts that rules look into have the kinds of values they expect, and what was wrong with them. */
export function conform(object: KubernetesObject): Omit<Conformed, 'value'> & { readonly object: KubernetesObject } {
  const shape = SHAPES.get(groupKind(object));
  if (shape?.fits(object) === true && isNamed(object)) {
    return { object, notText: [], notFitting: [] };
  }
  const { value, ...faults } = shape === undefined ? conformOther(object) : shape.conform(object, []);
  return { object: ensureMetadata(value as KubernetesObject), ...faults };
}

/** What is odd in an object of another kind, or of another group, may be right there: it is left out, and nothing is said about it. */
function conformOther(object: KubernetesObject): Conformed {
  const { value, ...faults } = OTHER.conform(withoutOddTemplate(object), []);
  const shape = NAMESAKES.get(object.kind) ?? OTHER_SPEC;
  return { value: shape.conform(value, []).value, ...faults };
}

/** Other kinds may call something else a template: theirs counts as a pod only if it looks like one. */
function withoutOddTemplate(object: KubernetesObject): KubernetesObject {
  const { spec, ...others } = object;
  if (!isMap(spec)) {
    return others;
  }
  const { value, notFitting } = TEMPLATE.conform(spec.template, []);
  const template = notFitting.length === 0 && isMap((value as { spec?: unknown }).spec) ? value : undefined;
  return template === spec.template ? object : { ...others, spec: { ...spec, template } };
}

function ensureMetadata(object: KubernetesObject): KubernetesObject {
  return isNamed(object) ? object : { ...object, metadata: { ...(object.metadata as object | undefined), name: '' } };
}

function isNamed({ metadata }: KubernetesObject): boolean {
  return typeof (metadata as unknown) === 'object' && typeof (metadata.name as unknown) === 'string';
}
