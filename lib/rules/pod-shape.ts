import { fields, list, map, number, scalar, type Shape, text } from './shape';

/** A map of texts, as labels are. */
export const texts = map(text);
const someMap = fields({});
const named = (known: Readonly<Record<string, Shape>> = {}): Shape => list(fields({ name: text, ...known }, { name: '' }), { name: '' });

/** What rules read of the metadata of objects and of pods. */
export const METADATA = fields({ name: text, generateName: text, namespace: text, labels: texts, annotations: texts });

const RESOURCES = fields({ limits: map(scalar), requests: map(scalar) });
const REFERENCE = fields({ name: text, key: text });
const ENV = named({ value: text, valueFrom: fields({ fieldRef: fields({ fieldPath: text }), secretKeyRef: REFERENCE, configMapKeyRef: REFERENCE }) });
const PORT_ACTION = fields({ port: scalar });
const PROBE = fields({ httpGet: PORT_ACTION, tcpSocket: PORT_ACTION, periodSeconds: number, failureThreshold: number, initialDelaySeconds: number });
const CONTAINER = fields({
  name: text, image: text, imagePullPolicy: text, command: list(text, ''), args: list(text, ''), env: ENV,
  ports: list(fields({ name: text, containerPort: number }), {}),
  volumeMounts: list(fields({ name: text, mountPath: text, subPath: text }, { name: '', mountPath: '' }), { name: '', mountPath: '' }),
  resources: RESOURCES, startupProbe: PROBE, lifecycle: fields({ preStop: someMap }), readinessProbe: PROBE, livenessProbe: PROBE, securityContext: someMap,
});
const VOLUME = {
  configMap: fields({ name: text, defaultMode: number }), persistentVolumeClaim: fields({ claimName: text }), hostPath: fields({ path: text }),
  emptyDir: fields({ medium: text }),
};
const POD_FIELDS = {
  containers: list(CONTAINER, { name: '' }), initContainers: list(CONTAINER, { name: '' }), volumes: named(VOLUME), nodeSelector: texts,
  imagePullSecrets: list(REFERENCE, {}), schedulerName: text, priorityClassName: text, serviceAccountName: text, runtimeClassName: text, restartPolicy: text,
  subdomain: text, nodeName: text, topologySpreadConstraints: list(fields({ topologyKey: text }), {}),
};

/** The `spec` of a pod. */
export const POD_SPEC = podFields({}, { containers: [] });

/** Metadata and `spec` of a pod. */
export const TEMPLATE = fields({ metadata: METADATA, spec: POD_SPEC });

/** Claims that a controller makes for pods, who mount them by their names. */
export const CLAIM_TEMPLATES = list(fields({ metadata: METADATA }), {});

/** The fields of a pod's `spec` among others of a kind; they need no containers unless told. */
export function podFields(others: Readonly<Record<string, Shape>>, required: Readonly<Record<string, unknown>> = {}): Shape {
  return fields({ ...POD_FIELDS, ...others }, required);
}
