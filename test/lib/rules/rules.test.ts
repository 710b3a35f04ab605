import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

import { checkObjects, RULES } from '../../../lib/rules/check-objects';
import { podTemplates } from '../../../lib/rules/pod-template';
import type { KubernetesObject } from '../../../lib/workloads/kubernetes-object';

const CONTAINER: V1Container = { name: 'main', image: 'registry.example/image:1' };

function job(container: Partial<V1Container> = {}, spec: Partial<V1PodSpec> = {}, metadata: object = {}): KubernetesObject {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'train', ...metadata }, spec: { template: { spec: { containers: [{ ...CONTAINER, ...container }], ...spec } } } };
}

function devices(limits: Record<string, number | string>, requests: Record<string, number | string> = limits): KubernetesObject {
  return job({ resources: { limits, requests } as V1Container['resources'] & object });
}

const LONG = 'a'.repeat(64);
const VISIBLE = (key: string) => [{ name: 'ASCEND_VISIBLE_DEVICES', valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${key}']` } } }];

/** Rule, an object that passes, an object that fails, and what is found in it. */
const CASES: [string, KubernetesObject, KubernetesObject, string[]][] = [
  ['device-whole-number', devices({ 'huawei.com/Ascend910': '8' }), devices({ 'huawei.com/Ascend910': '0.5', cpu: '0.5' }),
    ['container \'main\' asks for 0.5 of huawei.com/Ascend910; a device count is a whole number from 1']],
  ['device-requests-equal-limits', devices({ 'cambricon.com/mlu370': 1 }, { 'cambricon.com/mlu370': '1' }), devices({}, { 'cambricon.com/mlu370': 1 }),
    ['container \'main\' requests 1 of cambricon.com/mlu370 with a limit of none; both must be equal']],
  ['device-requests-equal-limits', devices({ 'huawei.com/Ascend910': 8 }, {}), devices({ 'huawei.com/Ascend910': 8 }, { 'huawei.com/Ascend910': 4 }),
    ['container \'main\' requests 4 of huawei.com/Ascend910 with a limit of 8; both must be equal']],
  ['one-device-resource', devices({ 'huawei.com/Ascend910B3': 1, 'huawei.com/Ascend910B3-memory': 8192, 'huawei.com/Ascend910B3-core': 50 }),
    devices({ 'huawei.com/Ascend910': 1, 'squat.ai/bm1684x': 1 }),
    ['container \'main\' asks for huawei.com/Ascend910 and squat.ai/bm1684x; only one kind of device is possible in a container']],
  ['virtual-device-single', devices({ 'huawei.com/Ascend310P-2c': 1 }), devices({ 'huawei.com/Ascend910-5c.1cpu.16g': 2 }),
    ['container \'main\' asks for 2 of the virtual device huawei.com/Ascend910-5c.1cpu.16g; it must be 1']],
  ['visible-devices-annotation', job({ ...withDevices('huawei.com/Ascend910'), env: VISIBLE('huawei.com/Ascend910') }), job({ ...withDevices('huawei.com/Ascend310P'), env: VISIBLE('huawei.com/Ascend910') }),
    ['container \'main\' reads its devices from the annotation \'huawei.com/Ascend910\' but asks for huawei.com/Ascend310P; both must be equal']],
  ['object-name', job(), job({}, {}, { name: LONG }), ['the name must be lower case letters, digits and \'-\', at most 63 characters']],
  ['object-name', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${LONG}.b` } }, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'A' } },
    ['the name must be lower case letters, digits and \'-\', at most 253 characters']],
  ['labels', job({}, { nodeSelector: { 'accelerator/huawei-npu': 'x' } }, { labels: { 'app.kubernetes.io/name': '' } }), job({}, { nodeSelector: { 'a/b/c': 'x' } }, { labels: { team: '-' } }),
    [
      'label \'team: -\' of the object is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters',
      'label \'a/b/c: x\' of the node selector is not legal; keys and values have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters',
    ]],
  ['annotations', job({}, {}, { annotations: { 'corp.example/why': 'any text, even with spaces' } }), job({}, {}, { annotations: { 'why not': 'x' } }),
    ['annotation key \'why not\' of the object is not legal; keys have letters, digits, \'-\', \'_\' and \'.\', at most 63 characters']],
  ['selector-matches-pods', deployment({ app: 'chat', extra: 'yes' }), deployment({ app: 'other' }),
    ['the selector needs the pod label \'app: chat\', but the pod has \'other\'; do not set this label']],
  ['reference-names', job({}, { priorityClassName: 'high', volumes: [{ name: 'v', configMap: { name: 'files' } }] }), job({}, { serviceAccountName: 'LLM' }),
    ['serviceAccountName must name an object by lower case letters, digits, \'-\' and \'.\', got \'LLM\'']],
  ['container-names', job({}, { initContainers: [{ ...CONTAINER, name: 'other' }] }), job({ name: 'Main' }, { initContainers: [{ ...CONTAINER, name: 'a' }, { ...CONTAINER, name: 'a' }] }),
    ['container \'Main\' must have a name of lower case letters, digits and \'-\'', 'two containers are called \'a\'; names must differ']],
  ['image-pinned', job({ image: `x@sha256:${'a'.repeat(64)}` }), job({ image: 'x:latest' }), ['\'image of container main\' must be pinned by a full tag or a digest, got \'x:latest\'']],
  ['mounts-have-volumes', job({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }, { volumes: [{ name: 'v', emptyDir: {} }] }), job({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
    ['container \'main\' mounts the volume \'v\' at /v, but the pod has none of that name']],
  ['mount-paths', job({ volumeMounts: [{ name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/b' }] }, { volumes: [{ name: 'v' }] }),
    job({ volumeMounts: [{ name: 'v', mountPath: '/a' }, { name: 'w', mountPath: '/a' }] }, { volumes: [{ name: 'v' }, { name: 'w' }] }), ['container \'main\' has two mounts at /a']],
  ['store-without-sub-path', job({ volumeMounts: [{ name: 'files', mountPath: '/etc/passwd', subPath: 'etc-passwd' }] }, { volumes: [{ name: 'files' }] }),
    job({ volumeMounts: [{ name: 'store-a', mountPath: '/w', subPath: 'weights' }] }, { volumes: [{ name: 'store-a' }] }),
    ['container \'main\' mounts \'store-a\' with subPath \'weights\'; mount the store at its root']],
  ['probe-port', job({ ports: [{ name: 'http', containerPort: 8000 }], livenessProbe: { httpGet: { path: '/', port: 'http' as never } }, readinessProbe: { tcpSocket: { port: 1 as never } } }),
    job({ livenessProbe: { httpGet: { path: '/', port: 'http' as never } } }), ['container \'main\' probes the port \'http\', but names no such port']],
  ['token-in-plain-text', job({ env: [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }, { name: 'TOKENIZER', value: 'x' }] }), job({ env: [{ name: 'HF_TOKEN', value: 'hf_x' }] }),
    ['container \'main\' has HF_TOKEN in plain text; take it from a Secret']],
];

function withDevices(resource: string): Partial<V1Container> {
  return { resources: { limits: { [resource]: 1 as never } } };
}

function deployment(labels: Record<string, string>): KubernetesObject {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'chat' },
    spec: { selector: { matchLabels: { app: 'chat' } }, template: { metadata: { labels }, spec: { containers: [CONTAINER] } } },
  };
}

test.each(CASES)('%s passes what is right and finds what is wrong', (id, right, wrong, messages) => {
  const found = checkObjects([wrong]).filter(({ rule }) => rule === id);

  expect(checkObjects([right])).toEqual([]);
  expect(found).toEqual(messages.map((message) => ({ rule: id, object: `${wrong.kind}/${wrong.metadata.name}`, message })));
});

test('every rule has a case here, a kebab-case name of its own and a reason', () => {
  const ids = RULES.map(({ id }) => id);

  expect([...new Set(CASES.map(([id]) => id))].sort()).toEqual([...ids].sort());
  expect(new Set(ids).size).toBe(ids.length);
  expect(RULES.filter(({ id, explanation }) => !/^[a-z]+(-[a-z]+)*$/.test(id) || explanation.length < 20)).toEqual([]);
});

test('rules look at init containers too', () => {
  expect(checkObjects([job({}, { initContainers: [{ name: 'wait', image: 'x' }] })])).toEqual([
    { rule: 'image-pinned', object: 'Job/train', message: '\'image of container wait\' must be pinned by a full tag or a digest, got \'x\'' },
  ]);
});

test('rules find the pods of every kind that has some', () => {
  const template = { spec: { containers: [CONTAINER] } };
  const kinds: KubernetesObject[] = [
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: template.spec },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'a' }, spec: { template } },
    { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'a' }, spec: { jobTemplate: { spec: { template } } } },
    { apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job', metadata: { name: 'a' }, spec: { tasks: [{ template }, { template }] } },
    { apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', metadata: { name: 'a' }, spec: { replicaSpecs: { Scheduler: { template }, Worker: { template } } } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} },
  ];

  expect(kinds.map((object) => podTemplates(object).map(({ path }) => path))).toEqual([
    ['spec'], ['spec.template'], ['spec.jobTemplate.spec.template'], ['spec.tasks[0].template', 'spec.tasks[1].template'],
    ['spec.replicaSpecs.Scheduler.template', 'spec.replicaSpecs.Worker.template'], [],
  ]);
});
