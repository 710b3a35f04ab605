import type { V1ObjectMeta } from '@kubernetes/client-node';

import { type ExaminedObject, type ExaminedPod, groupOf, inContainers, inPods } from './examined-object';
import { fault, type Fault, type Place } from './fault';
import type { PodTemplate } from './pod-template';
import type { Rule } from './rule';

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_KEY = /^(?:(?=.{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const DATA_KEY = /^[-._a-zA-Z0-9]{1,253}$/;

/** Kinds whose name becomes a host name or a label. */
const LABEL_NAMED = ['Job', 'Service', 'AscendJob'];
/** Kinds of Kubernetes itself and of its neighbours here. Other files that have a kind, such as that of a tool, need no name. */
const NAMED = /^(|apps|batch|autoscaling|policy|networking\.k8s\.io|rbac\.authorization\.k8s\.io|storage\.k8s\.io|scheduling\.k8s\.io|batch\.volcano\.sh|mindxdl\.gitee\.com)$/;
/** Kinds whose names are part of paths and may have other characters, such as `system:node`. */
const FREELY_NAMED = /^(Cluster)?Role(Binding)?$/;

function wrongLabels(where: string, labels: Readonly<Record<string, string>> = {}, ...place: string[]): Fault[] {
  return Object.entries(labels)
    .filter(([key, value]) => !LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
    .map(([key, value]) => fault(`label '${key}: ${value}' of ${where} is not legal; keys and values have letters, digits, '-', '_' and '.', at most 63 characters`, ...place, key));
}

function wrongAnnotations(where: string, { annotations = {} }: Pick<V1ObjectMeta, 'annotations'>): Fault[] {
  return Object.keys(annotations)
    .filter((key) => !LABEL_KEY.test(key))
    .map((key) => fault(`annotation key '${key}' of ${where} is not legal; keys have letters, digits, '-', '_' and '.', at most 63 characters`, 'metadata', 'annotations', key));
}

/** Pods that are parts of something else: the metadata of a Pod is that of the object. */
function inTemplates(check: (pod: ExaminedPod) => Fault[]): Rule['check'] {
  return inPods((pod) => pod.place.length === 0 ? [] : check(pod));
}

/** What a pod refers to by name: how an error calls it, the name, and the place. */
function references({ spec }: PodTemplate): [string, string | undefined, Place][] {
  const { priorityClassName, serviceAccountName, runtimeClassName, imagePullSecrets = [], volumes = [] } = spec;
  return [
    ...Object.entries({ priorityClassName, serviceAccountName, runtimeClassName }).map(([field, name]): [string, string | undefined, Place] => [field, name, [field]]),
    ...imagePullSecrets.map(({ name }, index): [string, string | undefined, Place] => [`imagePullSecrets[${String(index)}]`, name, ['imagePullSecrets', index]]),
    ...volumes.map(({ name, configMap, persistentVolumeClaim }, index): [string, string | undefined, Place] => (
      [`volume '${name}'`, configMap?.name ?? persistentVolumeClaim?.claimName, ['volumes', index]])),
  ];
}

function wrongReference(what: string, name: string | undefined, place: Place): Fault[] {
  return name === undefined || DNS_NAME.test(name) ? []
    : [fault(`${what} must name an object by lower case letters, digits, '-' and '.', got '${name}'`, ...place)];
}

function wrongName({ object }: ExaminedObject): Fault[] {
  const { kind, metadata } = object;
  const { name, generateName = '' } = metadata as { name: string; generateName?: string };
  const isLabel = LABEL_NAMED.includes(kind);
  // What Kubernetes appends to a generated name is legal in any case.
  const whole = name === '' && generateName !== '' ? `${generateName}x` : name;
  const mayBeFree = FREELY_NAMED.test(kind) || (whole === '' && !NAMED.test(groupOf(object)));
  return mayBeFree || (isLabel ? DNS_LABEL : DNS_NAME).test(whole) ? []
    : [fault(`the name must be lower case letters, digits and '-', at most ${isLabel ? '63' : '253'} characters`, 'metadata', ...name === '' ? [] : ['name'])];
}

/** Rules about what the API server refuses, whatever the manifest is for. */
export const KUBERNETES_RULES: readonly Rule[] = [
  {
    id: 'object-shape',
    severity: 'error',
    explanation: 'the API server refuses a value of another kind than its field has; the other rules look at the rest of the object as if it were not there',
    fix: 'write the kind of value that the field has; mostly the indentation is wrong',
    check: ({ notFitting }) => [...notFitting],
  },
  {
    id: 'string-values',
    severity: 'error',
    explanation: 'labels, annotations, arguments and variables are strings; YAML reads 1, true, yes and on without quotes as something else, and the API server refuses it',
    fix: 'put the value in quotes',
    check: ({ notText }) => [...notText],
  },
  {
    id: 'object-name',
    severity: 'error',
    explanation: 'Kubernetes refuses names that are no DNS names, and Jobs and Services longer than 63 characters',
    fix: 'give it a short name of lower case letters, digits and -',
    check: wrongName,
  },
  {
    id: 'labels',
    severity: 'error',
    explanation: 'Kubernetes refuses labels that are not legal',
    fix: 'use letters, digits, -, _ and . in keys and values; a key may have one domain before a /',
    check: (object) => [
      ...wrongLabels('the object', object.object.metadata.labels, 'metadata', 'labels'),
      ...inPods(({ place, metadata, spec }) => [
        ...(place.length === 0 ? [] : wrongLabels('the pod', metadata.labels, 'metadata', 'labels')),
        ...wrongLabels('the node selector', spec.nodeSelector, 'spec', 'nodeSelector'),
      ])(object),
    ],
  },
  {
    id: 'annotations',
    severity: 'error',
    explanation: 'Kubernetes refuses annotations whose keys are not legal',
    fix: 'use letters, digits, -, _ and . in keys; a key may have one domain before a /',
    check: (object, others) => [
      ...wrongAnnotations('the object', object.object.metadata),
      ...inTemplates(({ metadata }) => wrongAnnotations('the pod', metadata))(object, others),
    ],
  },
  {
    id: 'selector-matches-pods',
    severity: 'error',
    explanation: 'Kubernetes refuses a workload whose selector does not select its own pods',
    fix: 'give the pod template all labels of selector.matchLabels',
    check: inTemplates(({ metadata: { labels = {} }, object }) => {
      const { selector } = (object.spec ?? {}) as { selector?: { matchLabels?: Record<string, string> } };
      return Object.entries(selector?.matchLabels ?? {})
        .filter(([key, value]) => labels[key] !== value)
        .map(([key, value]) => fault(`the selector needs the pod label '${key}: ${value}', but the pod has '${labels[key] ?? 'none'}'; do not set this label`, 'metadata'));
    }),
  },
  {
    id: 'reference-names',
    severity: 'error',
    explanation: 'Kubernetes refuses references to objects by names that are no DNS names',
    fix: 'write the name of the object as it is',
    check: (object) => [
      ...inPods((pod) => references(pod).flatMap(([what, name, place]) => wrongReference(what, name, ['spec', ...place])))(object),
      ...inContainers(({ container: { env = [] } }) => env.flatMap(({ name, valueFrom }, index) => (
        wrongReference(`variable '${name}'`, valueFrom?.secretKeyRef?.name ?? valueFrom?.configMapKeyRef?.name, ['env', index]))))(object),
    ],
  },
  {
    id: 'reference-keys',
    severity: 'error',
    explanation: 'Kubernetes refuses keys of Secrets, ConfigMaps and nodes that have other characters than it gives them',
    fix: 'write the key as the Secret, the ConfigMap or the node has it',
    check: (object) => [
      ...inPods(({ spec }) => (spec.topologySpreadConstraints ?? []).flatMap(({ topologyKey = '' }, index) => LABEL_KEY.test(topologyKey) ? []
        : [fault(`topologyKey must be the key of a node's label, got '${topologyKey}'`, 'spec', 'topologySpreadConstraints', index)]))(object),
      ...inContainers(({ container: { env = [] } }) => env.flatMap(({ name, valueFrom }, index) => {
        const { key } = valueFrom?.secretKeyRef ?? valueFrom?.configMapKeyRef ?? {};
        return key === undefined || DATA_KEY.test(key) ? [] : [fault(`variable '${name}' must name a key by letters, digits, '-', '_' and '.', got '${key}'`, 'env', index)];
      }))(object),
    ],
  },
];
