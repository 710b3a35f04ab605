import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

import type { Place } from './fault';
import { podFields, texts } from './pod-shape';
import { fields, number } from './shape';
import { type PodPlace, type Template, whole, workloadKind } from './workload-kind';

/** A pod's `spec` with the labels and annotations of the pod beside its fields. */
interface BarePod extends Partial<V1PodSpec> {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly minReplicas?: unknown;
  readonly model?: object;
}

const COMPONENTS = ['predictor', 'transformer', 'explainer'] as const;
const BESIDE = { labels: texts, annotations: texts };
const COMPONENT = podFields({ ...BESIDE, minReplicas: number, model: fields({}) });
const COMPONENT_PLACES = COMPONENTS.map((name): Place => ['spec', name]);
const RUNTIME_PLACES: readonly Place[] = [['spec'], ['spec', 'workerSpec']];

function templateOf({ labels = {}, annotations = {}, ...spec }: BarePod): Template {
  return { metadata: { labels, annotations }, spec: { ...spec, containers: spec.containers ?? [] } };
}

/**
 * The components of an InferenceService whose containers are given (kserve/kserve@0217bdab pkg/apis/serving/v1beta1/predictor.go, podspec.go, component.go). A `model`, and containers
 * without an image beside it, are patches of what a ServingRuntime has; by themselves they say too little to be judged.
 */
export const INFERENCE_SERVICE = workloadKind<Record<typeof COMPONENTS[number], BarePod>>(
  fields({ predictor: COMPONENT, transformer: COMPONENT, explainer: COMPONENT }),
  (spec) => COMPONENTS.map((name, index): PodPlace => {
    const { minReplicas, model, containers = [], ...others } = spec[name] ?? {};
    const isWhole = containers.length > 0 && (model === undefined || containers.every(({ image }) => image !== undefined));
    return { place: COMPONENT_PLACES[index]!, template: isWhole ? templateOf({ ...others, containers }) : undefined, pods: whole(minReplicas) };
  }),
  COMPONENT_PLACES,
);

/**
 * The pods of a runtime, and those of its workers on other nodes (kserve/kserve@0217bdab pkg/apis/serving/v1alpha1/servingruntime_types.go). It runs none unless it says
 * `replicas`; InferenceServices run from it.
 */
export const SERVING_RUNTIME = workloadKind<BarePod & { replicas: unknown; workerSpec: BarePod }>(
  podFields({ ...BESIDE, replicas: number, workerSpec: podFields(BESIDE, { containers: [] }) }, { containers: [] }),
  ({ workerSpec, replicas, ...pod }) => [pod, workerSpec].map((bare, index): PodPlace => (
    { place: RUNTIME_PLACES[index]!, template: bare === undefined ? undefined : completed(templateOf(bare)), pods: whole(replicas, 0) })),
  RUNTIME_PLACES,
);

/**
 * A template of a runtime as far as it can be judged: its RuntimeClass, which it has no field for, and the devices that a variable takes from an annotation are the InferenceService's,
 * so nothing is said about them.
 */
function completed({ spec, ...others }: Template): Template {
  const { runtimeClassName = 'ascend', containers } = spec!;
  return { ...others, spec: { ...spec, runtimeClassName, containers: containers.map(withoutFieldRefs) } };
}

function withoutFieldRefs(container: V1Container): V1Container {
  const env = container.env?.map((variable) => variable.valueFrom?.fieldRef === undefined ? variable : { name: variable.name });
  return env === undefined ? container : { ...container, env };
}
