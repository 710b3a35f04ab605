import { checkImage } from '../image';
import type { KubernetesObject } from '../workloads/kubernetes-object';
import { containers, type PodTemplate, podTemplates } from './pod-template';
import type { Rule } from './rule';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_KEY = /^(?:(?=.{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Kinds whose name becomes a host name or a label. */
const LABEL_NAMED = ['Job', 'Service', 'AscendJob'];

function eachTemplate(check: (template: PodTemplate) => string[]): Rule['check'] {
  return (object) => podTemplates(object).flatMap(check);
}

function wrongLabels(where: string, labels: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(labels)
    .filter(([key, value]) => !LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
    .map(([key, value]) => `label '${key}: ${value}' of ${where} is not legal; keys and values have letters, digits, '-', '_' and '.', at most 63 characters`);
}

function wrongAnnotations(where: string, annotations: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(annotations)
    .filter((key) => !LABEL_KEY.test(key))
    .map((key) => `annotation key '${key}' of ${where} is not legal; keys have letters, digits, '-', '_' and '.', at most 63 characters`);
}

/** What a pod refers to by name, and how an error calls it. */
function references(template: PodTemplate): [string, string | undefined][] {
  const { priorityClassName, serviceAccountName, runtimeClassName, imagePullSecrets = [], volumes = [] } = template.spec;
  return [
    ...Object.entries({ priorityClassName, serviceAccountName, runtimeClassName }),
    ...imagePullSecrets.map(({ name }, index): [string, string | undefined] => [`imagePullSecrets[${String(index)}]`, name]),
    ...volumes.map(({ name, configMap, persistentVolumeClaim }): [string, string | undefined] => [`volume '${name}'`, configMap?.name ?? persistentVolumeClaim?.claimName]),
    ...containers(template).flatMap(({ env = [] }) => env)
      .map(({ name, valueFrom }): [string, string | undefined] => [`variable '${name}'`, valueFrom?.secretKeyRef?.name ?? valueFrom?.configMapKeyRef?.name]),
  ];
}

function duplicates(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

/** Rules about names, references and pins. */
export const HYGIENE_RULES: readonly Rule[] = [
  {
    id: 'object-name',
    explanation: 'Kubernetes refuses names that are no DNS names, and Jobs and Services longer than 63 characters',
    check: ({ kind, metadata: { name } }: KubernetesObject) => (LABEL_NAMED.includes(kind) ? DNS_LABEL : DNS_NAME).test(name) ? []
      : [`the name must be lower case letters, digits and '-', at most ${LABEL_NAMED.includes(kind) ? '63' : '253'} characters`],
  },
  {
    id: 'labels',
    explanation: 'Kubernetes refuses labels that are not legal',
    check: (object) => [
      ...wrongLabels('the object', object.metadata.labels),
      ...podTemplates(object).flatMap(({ metadata, spec }) => [...wrongLabels('the pod', metadata.labels), ...wrongLabels('the node selector', spec.nodeSelector)]),
    ],
  },
  {
    id: 'annotations',
    explanation: 'Kubernetes refuses annotations whose keys are not legal',
    check: (object) => [
      ...wrongAnnotations('the object', object.metadata.annotations),
      ...podTemplates(object).flatMap(({ metadata }) => wrongAnnotations('the pod', metadata.annotations)),
    ],
  },
  {
    id: 'selector-matches-pods',
    explanation: 'Kubernetes refuses a workload whose selector does not select its own pods',
    check: (object) => {
      const selector = Object.entries((object.spec as { selector?: { matchLabels?: Record<string, string> } } | undefined)?.selector?.matchLabels ?? {});
      return podTemplates(object).flatMap(({ metadata: { labels = {} } }) => selector
        .filter(([key, value]) => labels[key] !== value)
        .map(([key, value]) => `the selector needs the pod label '${key}: ${value}', but the pod has '${labels[key] ?? 'none'}'; do not set this label`));
    },
  },
  {
    id: 'reference-names',
    explanation: 'Kubernetes refuses references to objects by names that are no DNS names',
    check: eachTemplate((template) => references(template)
      .filter(([, name]) => name !== undefined && !DNS_NAME.test(name))
      .map(([what, name]) => `${what} must name an object by lower case letters, digits, '-' and '.', got '${String(name)}'`)),
  },
  {
    id: 'container-names',
    explanation: 'containers of a pod need different DNS labels as names',
    check: eachTemplate((template) => {
      const names = containers(template).map(({ name }) => name);
      return [
        ...names.filter((name) => !DNS_LABEL.test(name)).map((name) => `container '${name}' must have a name of lower case letters, digits and '-'`),
        ...duplicates(names).map((name) => `two containers are called '${name}'; names must differ`),
      ];
    }),
  },
  {
    id: 'image-pinned',
    explanation: 'an image without a full tag or digest changes under a running platform',
    check: eachTemplate((template) => containers(template).flatMap(({ name, image = '' }) => {
      try {
        checkImage(`image of container ${name}`, image);
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    })),
  },
  {
    id: 'mounts-have-volumes',
    explanation: 'the API server refuses mounts of volumes that the pod does not have',
    check: eachTemplate((template) => {
      const volumes = new Set((template.spec.volumes ?? []).map(({ name }) => name));
      return containers(template).flatMap(({ name, volumeMounts = [] }) => volumeMounts
        .filter((mount) => !volumes.has(mount.name))
        .map((mount) => `container '${name}' mounts the volume '${mount.name}' at ${mount.mountPath}, but the pod has none of that name`));
    }),
  },
  {
    id: 'mount-paths',
    explanation: 'two mounts at one path are refused',
    check: eachTemplate((template) => containers(template).flatMap(({ name, volumeMounts = [] }) => duplicates(volumeMounts.map(({ mountPath }) => mountPath))
      .map((path) => `container '${name}' has two mounts at ${path}`))),
  },
  {
    id: 'store-without-sub-path',
    explanation: 'a subPath binds a waiting pod to a directory that a producer replaces; stores are mounted at their root',
    check: eachTemplate((template) => containers(template).flatMap(({ name, volumeMounts = [] }) => volumeMounts
      .filter((mount) => mount.name.startsWith('store-') && mount.subPath !== undefined)
      .map((mount) => `container '${name}' mounts '${mount.name}' with subPath '${String(mount.subPath)}'; mount the store at its root`))),
  },
  {
    id: 'probe-port',
    explanation: 'a probe of a port by name needs a port of that name',
    check: eachTemplate(({ spec }) => spec.containers.flatMap(({ name, ports = [], startupProbe, readinessProbe, livenessProbe }) => [startupProbe, readinessProbe, livenessProbe]
      .map((probe) => probe?.httpGet?.port ?? probe?.tcpSocket?.port)
      .filter((port): port is string => typeof port === 'string' && !ports.some((known) => known.name === port))
      .map((port) => `container '${name}' probes the port '${port}', but names no such port`))),
  },
  {
    id: 'token-in-plain-text',
    explanation: 'a token in a manifest is in git, in etcd and in every kubectl describe',
    check: eachTemplate((template) => containers(template).flatMap(({ name, env = [] }) => env
      .filter((variable) => /(TOKEN|PASSWORD|SECRET|SECRET_KEY|ACCESS_KEY|API_KEY)$/.test(variable.name) && variable.value !== undefined && variable.value !== '')
      .map((variable) => `container '${name}' has ${variable.name} in plain text; take it from a Secret`))),
  },
];
