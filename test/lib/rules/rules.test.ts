import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

import * as fc from 'fast-check';
import { parseAllDocuments } from 'yaml';

import { checkEachObject, checkObjects, compareObjects, RULES } from '../../../lib/rules/check-objects';
import { podTemplates } from '../../../lib/rules/pod-template';
import { documentationOf } from '../../../lib/rules/rule';
import type { KubernetesObject } from '../../../lib/workloads/kubernetes-object';
import { DEVICE_CASES, PLACEMENT_CASES } from './cases/devices';
import { JOB_CASES, RANK_TABLE_CASES } from './cases/jobs';
import { CONTAINER_CASES, KUBERNETES_CASES } from './cases/kubernetes';
import { LAUNCH_CASES } from './cases/launch';
import { DELIVERY_CASES, SECRET_CASES, SERVER_CASES } from './cases/servers';
import { annotations, asks, deployment, env, job, MLU370, object, type RuleCase } from './manifests';

const CASES: RuleCase[] = [
  ...DEVICE_CASES, ...PLACEMENT_CASES, ...RANK_TABLE_CASES, ...JOB_CASES, ...LAUNCH_CASES, ...SERVER_CASES, ...DELIVERY_CASES, ...SECRET_CASES, ...CONTAINER_CASES, ...KUBERNETES_CASES,
];

function manifests(file: string): KubernetesObject[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1' }).map((document) => document.toJS() as KubernetesObject);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.yaml')).map((name) => path.join(folder, name));
}

const HARMLESS = filesOf(path.join(__dirname, 'harmless'));
const DIST = filesOf(path.join(__dirname, '../../../dist'));

describe('each rule', () => {
  test.each(CASES)('%s passes what is right and finds what is wrong', (id, right, wrong, messages) => {
    const found = checkObjects([wrong].flat()).filter(({ rule }) => rule === id);

    expect(checkObjects([right].flat())).toEqual([]);
    expect(found.map(({ message }) => message)).toEqual(messages);
    expect(messages).not.toEqual([]);
  });

  test('has a case here, a kebab-case name of its own, a reason and a remedy', () => {
    const ids = RULES.map(({ id }) => id);

    expect([...new Set(CASES.map(([id]) => id))].sort()).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(40);
    expect(RULES.filter(({ id, explanation, fix }) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id) || explanation.length < 20 || fix.length < 10).map(({ id }) => id)).toEqual([]);
  });

  test('is left out by the annotation of the object, and by no other object\'s', () => {
    const id = 'surge-devices';
    const rolling = (name: string, ...ignored: string[]): KubernetesObject => (
      deployment({ metadata: { name }, spec: { strategy: {} } }, asks(MLU370), ...ignored.length === 0 ? [] : [annotations({ 'cdk8s-chatglm/ignore': ignored.join(', ') })]));

    expect(checkObjects([rolling('a', 'image-pinned', id), rolling('b', 'image-pinned')]).map(({ rule, object: name }) => [rule, name])).toEqual([[id, 'Deployment/b']]);
  });

  test.each(CASES)('%s can be ignored wherever it is found', (id, _, wrong) => {
    const annotated = [wrong].flat().map((given) => ({ ...given, metadata: { ...given.metadata, annotations: { ...given.metadata.annotations, 'cdk8s-chatglm/ignore': id } } }));

    expect(checkObjects(annotated).filter(({ rule }) => rule === id)).toEqual([]);
  });

  test.each(CASES)('%s points into the object', (id, _, wrong) => {
    const objects = [wrong].flat();

    for (const { place, index } of checkObjects(objects).filter(({ rule }) => rule === id)) {
      const parents = place.slice(0, -1);
      expect(parents.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key as string], objects[index])).toBeInstanceOf(Object);
    }
  });
});

describe('nothing is found', () => {
  test.each(HARMLESS)('in manifests of other software: %s', (file) => {
    expect(checkObjects(manifests(file))).toEqual([]);
  });

  test('in all of them together', () => {
    expect(checkObjects(HARMLESS.flatMap(manifests))).toEqual([]);
  });

  test.each(DIST)('in what the examples synthesize: %s', (file) => {
    expect(checkObjects(manifests(file))).toEqual([]);
  });
});

test('a finding says which object, where, and how bad it is', () => {
  const objects = [object('Namespace', 'llm'), job(asks(MLU370, '0.5'))];

  expect(checkObjects(objects)).toEqual([{
    rule: 'device-whole-number', severity: 'error', object: 'Job/train', index: 1,
    message: 'container \'main\' asks for 0.5 of cambricon.com/mlu370; a device count is a whole number from 1',
    place: ['spec', 'template', 'spec', 'containers', 0, 'resources', 'limits', 'cambricon.com/mlu370'],
  }]);
  expect(documentationOf('device-whole-number')).toBe('docs/rules.md#device-whole-number');
});

test('what only old releases refuse is a warning, what the newest refuse is an error', () => {
  const severities = Object.fromEntries(RULES.map(({ id, severity }) => [id, severity]));

  expect(severities).toMatchObject({
    'ring-controller-places': 'warning', 'rank-table-label': 'warning', 'device-count-beside-others': 'warning',
    'rank-table-workload': 'error', 'device-requests-missing': 'error', 'hami-slice-single': 'error', 'device-count-of-node': 'error',
  });
});

test('rules look at init containers too', () => {
  expect(checkObjects([job({ pod: { initContainers: [{ name: 'wait', image: 'x' }] } })]).map(({ message }) => message)).toEqual([
    '\'image of container wait\' must be pinned by a full tag or a digest, got \'x\'',
  ]);
});

test('rules of one object and rules that compare objects make all rules', () => {
  const objects = [job(env('HF_TOKEN', 'x')), job()];

  expect(checkEachObject(objects).map(({ rule }) => rule)).toEqual(['token-in-plain-text']);
  expect(compareObjects(objects).map(({ rule }) => rule)).toEqual(['duplicate-object']);
  expect(checkObjects(objects).map(({ rule }) => rule)).toEqual(['token-in-plain-text', 'duplicate-object']);
});

test('rules find the pods of every kind that has some', () => {
  const template = { spec: { containers: [{ name: 'main', image: 'x:1' }] } };
  const kinds: KubernetesObject[] = [
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: template.spec },
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'a' }, spec: { template } },
    { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'a' }, spec: { jobTemplate: { spec: { template } } } },
    { apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job', metadata: { name: 'a' }, spec: { tasks: [{ template }, { template }] } },
    { apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', metadata: { name: 'a' }, spec: { replicaSpecs: { Scheduler: { template }, Worker: { template } } } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: {} },
  ];

  expect(kinds.map((kind) => podTemplates(kind).map(({ place }) => place.join('.')))).toEqual([
    [''], ['spec.template'], ['spec.jobTemplate.spec.template'], ['spec.tasks.0.template', 'spec.tasks.1.template'],
    ['spec.replicaSpecs.Scheduler.template', 'spec.replicaSpecs.Worker.template'], [],
  ]);
});

describe('whatever a manifest holds', () => {
  const samples = [...CASES.flatMap(([, right, wrong]) => [...[right].flat(), ...[wrong].flat()]), ...HARMLESS.flatMap(manifests)];

  /** Every place in an object, as keys. */
  function places(value: unknown, place: readonly string[] = []): string[][] {
    return typeof value !== 'object' || value === null ? [[...place]]
      : [[...place], ...Object.entries(value).flatMap(([key, item]) => places(item, [...place, key]))];
  }

  function replaced(value: unknown, [key, ...others]: readonly string[], by: unknown): unknown {
    if (key === undefined) {
      return by;
    }
    const inside = replaced((value as Record<string, unknown>)[key], others, by);
    return Array.isArray(value) ? (value as unknown[]).map((item, index) => String(index) === key ? inside : item) : { ...value as object, [key]: inside };
  }

  test('the rules end, and what is left out for its shape is said', () => {
    const odd = fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.string(), fc.constant([]), fc.constant({}), fc.constant([null]), fc.jsonValue());
    fc.assert(fc.property(fc.constantFrom(...samples), fc.nat(), odd, (sample, seed, value) => {
      const candidates = places(sample).filter(([first]) => first !== undefined && first !== 'apiVersion' && first !== 'kind');
      const mutated = replaced(sample, candidates[seed % candidates.length]!, value) as KubernetesObject;
      const findings = checkObjects([mutated, object('Service', 'train', { spec: { clusterIP: 'None' } })]);

      return findings.every(({ message, index }) => message !== '' && index <= 1);
    }), { numRuns: 1500 });
  });
});

test('5,000 objects take less than two seconds', () => {
  const objects = Array.from({ length: 1000 }, (_, index) => {
    const namespace = `tenant-${String(index)}`;
    const inNamespace = (given: KubernetesObject): KubernetesObject => ({ ...given, metadata: { ...given.metadata, namespace } });
    return [
      deployment(asks(MLU370), { container: { ports: [{ name: 'http', containerPort: 8000 }] } }), object('Service', 'chat', { spec: { selector: { app: 'chat' }, ports: [{ port: 80, targetPort: 'http' }] } }),
      job(asks(MLU370)), object('ConfigMap', 'scripts', { data: { 'serve.py': 'print(1)\n'.repeat(2000) } }), object('PersistentVolumeClaim', 'weights', { spec: { accessModes: ['ReadWriteMany'] } }),
    ].map(inNamespace);
  }).flat();
  // Processor time, so that other tests beside this one do not count.
  const start = process.cpuUsage();
  const findings = checkObjects(objects);
  const { user, system } = process.cpuUsage(start);

  expect(findings).toEqual([]);
  expect(objects).toHaveLength(5000);
  expect((user + system) / 1e6).toBeLessThan(2);
});
