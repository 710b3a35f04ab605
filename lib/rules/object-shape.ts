import type { KubernetesObject } from '../workloads/kubernetes-object';
import { type Conformed, fields, isMap, list, map, number, scalar, type Shape, text } from './shape';

const texts = map(text);
const someMap = fields({});
const named = (known: Readonly<Record<string, Shape>> = {}): Shape => list(fields({ name: text, ...known }, { name: '' }), { name: '' });

const METADATA = fields({ name: text, generateName: text, namespace: text, labels: texts, annotations: texts });

const RESOURCES = fields({ limits: map(scalar), requests: map(scalar) });
const REFERENCE = fields({ name: text, key: text });
const ENV = named({ value: text, valueFrom: fields({ fieldRef: fields({ fieldPath: text }), secretKeyRef: REFERENCE, configMapKeyRef: REFERENCE }) });
const PORT_ACTION = fields({ port: scalar });
const PROBE = fields({ httpGet: PORT_ACTION, tcpSocket: PORT_ACTION, periodSeconds: number, failureThreshold: number, initialDelaySeconds: number });
const CONTAINER = fields({
  name: text, image: text, imagePullPolicy: text, command: list(text, ''), args: list(text, ''), env: ENV,
  ports: list(fields({ name: text, containerPort: number }), {}),
  volumeMounts: list(fields({ name: text, mountPath: text, subPath: text }, { name: '', mountPath: '' }), { name: '', mountPath: '' }),
  resources: RESOURCES, startupProbe: PROBE, readinessProbe: PROBE, livenessProbe: PROBE, securityContext: someMap,
});
const VOLUME = {
  configMap: fields({ name: text, defaultMode: number }), persistentVolumeClaim: fields({ claimName: text }), hostPath: fields({ path: text }),
  emptyDir: fields({ medium: text }),
};
const POD_SPEC = fields({
  containers: list(CONTAINER, { name: '' }), initContainers: list(CONTAINER, { name: '' }), volumes: named(VOLUME), nodeSelector: texts,
  imagePullSecrets: list(REFERENCE, {}), schedulerName: text, priorityClassName: text, serviceAccountName: text, runtimeClassName: text, restartPolicy: text,
  subdomain: text, nodeName: text, topologySpreadConstraints: list(fields({ topologyKey: text }), {}),
}, { containers: [] });
const TEMPLATE = fields({ metadata: METADATA, spec: POD_SPEC });
const SELECTOR = fields({ matchLabels: texts });

const WORKLOAD = fields({
  template: TEMPLATE, replicas: number, parallelism: number, selector: SELECTOR, schedulerName: text,
  strategy: fields({ type: text, rollingUpdate: fields({ maxSurge: scalar }) }), progressDeadlineSeconds: number, ttlSecondsAfterFinished: number,
  volumeClaimTemplates: list(fields({ metadata: METADATA }), {}),
});
const VOLCANO_JOB = fields({
  tasks: list(fields({ name: text, replicas: number, template: TEMPLATE }), {}), schedulerName: text, minAvailable: number,
  policies: list(fields({ event: text, events: list(text, ''), exitCode: number, action: text }), {}),
});
const ASCEND_JOB = fields({
  replicaSpecs: map(fields({ replicas: number, template: TEMPLATE })), schedulerName: text,
  runPolicy: fields({ schedulingPolicy: fields({ minAvailable: number }) }),
});

/** The `spec` of the kinds that rules look into. */
const SPECS: Readonly<Record<string, Shape>> = {
  Pod: POD_SPEC,
  Deployment: WORKLOAD, StatefulSet: WORKLOAD, DaemonSet: WORKLOAD, ReplicaSet: WORKLOAD, Job: WORKLOAD,
  CronJob: fields({ jobTemplate: fields({ spec: WORKLOAD }) }),
  'batch.volcano.sh/Job': VOLCANO_JOB,
  AscendJob: ASCEND_JOB,
  Service: fields({ selector: texts, clusterIP: text, ports: list(fields({ name: text, port: scalar, targetPort: scalar }), {}) }),
  HorizontalPodAutoscaler: fields({ scaleTargetRef: fields({ kind: text, name: text }) }),
  ScaledObject: fields({ scaleTargetRef: fields({ kind: text, name: text }) }),
  PodDisruptionBudget: fields({ selector: SELECTOR, minAvailable: scalar, maxUnavailable: scalar }),
  PersistentVolumeClaim: fields({ accessModes: list(text, '') }),
};

const HEAD = { apiVersion: text, kind: text, metadata: METADATA };
const OTHER = fields(HEAD);
const SHAPES = new Map<string, Shape>([
  ['ConfigMap', fields({ ...HEAD, data: texts })],
  ...Object.entries(SPECS).map(([kind, spec]): [string, Shape] => [kind, fields({ ...HEAD, spec })]),
]);

/** An object whose parts that rules look into have the kinds of values they expect, and what was wrong with them. */
export function conform(object: KubernetesObject): Omit<Conformed, 'value'> & { readonly object: KubernetesObject } {
  const shape = SHAPES.get(`${object.apiVersion.startsWith('batch.volcano.sh/') ? 'batch.volcano.sh/' : ''}${object.kind}`);
  if (shape?.fits(object) === true && isNamed(object)) {
    return { object, notText: [], notFitting: [] };
  }
  const { value, ...faults } = shape === undefined ? OTHER.conform(withoutOddTemplate(object), []) : shape.conform(object, []);
  return { object: ensureMetadata(value as KubernetesObject), ...faults };
}

/** Other kinds may call something else a template: theirs counts as a pod only if it looks like one. */
function withoutOddTemplate(object: KubernetesObject): KubernetesObject {
  const { spec, ...others } = object;
  if (!isMap(spec) || spec.jobTemplate !== undefined || spec.tasks !== undefined || spec.replicaSpecs !== undefined) {
    return others;
  }
  const { notText, notFitting } = TEMPLATE.conform(spec.template ?? {}, []);
  const isPod = isMap(spec.template) && isMap(spec.template.spec) && notText.length === 0 && notFitting.length === 0;
  return isPod ? object : { ...others, spec: { ...spec, template: undefined } };
}

function ensureMetadata(object: KubernetesObject): KubernetesObject {
  return isNamed(object) ? object : { ...object, metadata: { ...(object.metadata as object | undefined), name: '' } };
}

function isNamed({ metadata }: KubernetesObject): boolean {
  return typeof (metadata as unknown) === 'object' && typeof (metadata.name as unknown) === 'string';
}
