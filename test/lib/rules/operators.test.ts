import { readFileSync } from 'node:fs';
import * as path from 'node:path';

import { parseAllDocuments } from 'yaml';

import { checkObjects } from '../../../lib/rules/check-objects';
import type { Place } from '../../../lib/rules/fault';
import { placeInObject, podTemplates } from '../../../lib/rules/pod-template';
import { dotted } from '../../../lib/rules/shape';
import type { KubernetesObject } from '../../../lib/workloads/kubernetes-object';

const OBJECTS = ['kubeflow', 'ray', 'serving', 'jobs'].flatMap((file) => parseAllDocuments(readFileSync(path.join(__dirname, `harmless/${file}.yaml`), 'utf8'), { version: '1.1' })
  .map((document) => document.toJS() as KubernetesObject));

/** Each workload among them, by kind and name, and where its pods have their containers: how many run at one time. */
const CONTAINERS: Readonly<Record<string, Readonly<Record<string, number | undefined>>>> = {
  'PyTorchJob/glm-sft': { 'spec.pytorchReplicaSpecs.Master.template.spec.containers': 1, 'spec.pytorchReplicaSpecs.Worker.template.spec.containers': 2 },
  'MPIJob/allreduce': { 'spec.mpiReplicaSpecs.Launcher.template.spec.containers': 1, 'spec.mpiReplicaSpecs.Worker.template.spec.containers': 2 },
  'TFJob/ranking': { 'spec.tfReplicaSpecs.PS.template.spec.containers': 2, 'spec.tfReplicaSpecs.Worker.template.spec.containers': 4 },
  'RayCluster/npu': { 'spec.headGroupSpec.template.spec.containers': 1, 'spec.workerGroupSpecs.0.template.spec.containers': 0 },
  'RayJob/evaluate': { 'spec.rayClusterSpec.headGroupSpec.template.spec.containers': 1, 'spec.submitterPodTemplate.spec.containers': 1 },
  'RayService/chat': { 'spec.rayClusterConfig.headGroupSpec.template.spec.containers': 1, 'spec.rayClusterConfig.workerGroupSpecs.0.template.spec.containers': 1 },
  'LeaderWorkerSet/vllm': { 'spec.leaderWorkerTemplate.leaderTemplate.spec.containers': 2, 'spec.leaderWorkerTemplate.workerTemplate.spec.containers': 6 },
  'LeaderWorkerSet/small': { 'spec.leaderWorkerTemplate.workerTemplate.spec.containers': 2 },
  'InferenceService/chat': { 'spec.predictor.containers': 0, 'spec.transformer.containers': 1 },
  'ServingRuntime/mindie': { 'spec.containers': 0 },
  'ClusterServingRuntime/vllm-ascend-multinode': { 'spec.containers': 0, 'spec.workerSpec.containers': 0 },
  'Rollout/echo': { 'spec.template.spec.containers': 3 },
  'CloneSet/clones': { 'spec.template.spec.containers': 2 },
  'DaemonSet/agent': { 'spec.template.spec.containers': undefined },
  'Service/hello': { 'spec.template.spec.containers': 1 },
  'JobSet/sweep': { 'spec.replicatedJobs.0.template.spec.template.spec.containers': 1, 'spec.replicatedJobs.1.template.spec.template.spec.containers': 8 },
};
const EACH_POD = Object.entries(CONTAINERS).flatMap(([name, places]) => Object.keys(places).map((place): [string, string] => [name, place]));

/** An object of the manifests, as a copy of its own. */
function objectOf(name: string): KubernetesObject {
  const [kind, called] = name.split('/');
  return JSON.parse(JSON.stringify(OBJECTS.find((object) => object.kind === kind && object.metadata.name === called))) as KubernetesObject;
}

function at(value: unknown, place: Place): Record<string, unknown> {
  return place.reduce<unknown>((inside, key) => (inside as Record<string, unknown>)[key], value) as Record<string, unknown>;
}

/** The object with other fields in the map at a place. */
function changed(name: string, place: string, fields: object): KubernetesObject {
  const object = objectOf(name);
  Object.assign(at(object, place.split('.').filter((key) => key !== '')), fields);
  return object;
}

/** What is found, each as rule, place and message. */
function found(...objects: KubernetesObject[]): string[] {
  return checkObjects(objects).map(({ rule, place, message }) => `${rule} ${dotted(place)}: ${message}`);
}

/** A place that lists have numbers in, as findings name it. */
function named(place: string): string {
  return dotted(place.split('.').map((key) => /^\d+$/.test(key) ? Number(key) : key));
}

test.each(Object.entries(CONTAINERS))('%s: the pods and how many they are', (name, expected) => {
  const object = objectOf(name);
  const counts = podTemplates(object).map(({ place, pods }) => [placeInObject(object, [...place, 'spec', 'containers']).join('.'), pods]);

  expect(Object.fromEntries(counts)).toEqual(expected);
});

test('every workload of the manifests is among them', () => {
  const withPods = OBJECTS.filter((object) => podTemplates(object).length > 0).map(({ kind, metadata: { name } }) => `${kind}/${name}`);

  // What belongs to other groups has no pods that one could know of.
  expect(withPods.filter((name) => !['Deployment/site', 'Job/batch'].includes(name)).sort()).toEqual(Object.keys(CONTAINERS).sort());
});

describe('what is wrong in a container is found where it stands', () => {
  const image = 'registry.example/x:latest';
  const resources = { limits: { memory: '8Gi', 'huawei.com/Ascend310P': 1, 'cambricon.com/mlu370': 1 }, requests: { 'huawei.com/Ascend310P': 2 } };
  const rules = /^(device-requests-equal-limits|one-device-resource|token-in-plain-text|image-pinned|mounts-have-volumes) /;

  test.each(EACH_POD)('%s, %s', (name, place) => {
    const container = `container '${String(at(objectOf(name), [...place.split('.'), '0']).name)}'`;
    const broken = changed(name, `${place}.0`, { image, resources, env: [{ name: 'HF_TOKEN', value: 'x' }], volumeMounts: [{ name: 'nowhere', mountPath: '/x' }] });
    const where = named(`${place}.0`);

    expect(found(broken).filter((line) => rules.test(line))).toEqual([
      `device-requests-equal-limits ${where}.resources.requests['huawei.com/Ascend310P']: ${container} requests 2 of huawei.com/Ascend310P with a limit of 1; both must be equal`,
      `one-device-resource ${where}.resources.limits: ${container} asks for huawei.com/Ascend310P and cambricon.com/mlu370; only one kind of device is possible in a container`,
      `token-in-plain-text ${where}.env[0]: ${container} has HF_TOKEN in plain text; take it from a Secret`,
      `image-pinned ${where}.image: 'image of ${container.replaceAll('\'', '')}' must be pinned by a full tag or a digest, got '${image}'`,
      `mounts-have-volumes ${where}.volumeMounts[0]: ${container} mounts the volume 'nowhere' at /x, but the pod has none of that name`,
    ]);
  });

  test.each(EACH_POD.filter(([name]) => name !== 'Service/hello'))('a number as a variable is a fault of its shape: %s, %s', (name, place) => {
    const where = `${named(`${place}.0`)}.env[0].value`;

    expect(found(changed(name, `${place}.0`, { env: [{ name: 'RANK', value: 1 }] }))).toEqual([`string-values ${where}: ${where} must be a string, got the number 1; put it in quotes`]);
  });

  test('labels and annotations of pods without a template have their own places', () => {
    expect(found(changed('InferenceService/chat', 'spec.predictor', { labels: { tier: 'a b' }, annotations: { 'huawei.com/schedule_policy': 'chip1' } })).map((line) => line.split(':')[0])).toEqual([
      'schedule-policy-known spec.predictor.annotations[\'huawei.com/schedule_policy\']', 'labels spec.predictor.labels.tier',
    ]);
    expect(found(changed('ServingRuntime/mindie', 'spec', { labels: { 'ring-controller.atlas': 'a2' }, nodeSelector: { 'a/b/c': 'x' }, hostIPC: true })).map((line) => line.split(':')[0])).toEqual([
      'ring-controller-known spec.labels[\'ring-controller.atlas\']', 'labels spec.nodeSelector[\'a/b/c\']',
    ]);
  });

  test.each([
    ['RayCluster/npu', 'spec.headGroupSpec', { rayStartParams: { 'num-cpus': 0 } }, 'string-values spec.headGroupSpec.rayStartParams.num-cpus: spec.headGroupSpec.rayStartParams.num-cpus must be a string, got the number 0; put it in quotes'],
    ['JobSet/sweep', 'spec.replicatedJobs.1', { replicas: '2' }, 'object-shape spec.replicatedJobs[1].replicas: spec.replicatedJobs[1].replicas must be a number, got the string "2"'],
    ['ServingRuntime/mindie', 'spec', { containers: undefined }, 'object-shape spec: spec.containers is missing'],
    ['LeaderWorkerSet/small', 'spec.leaderWorkerTemplate', { workerTemplate: [] }, 'object-shape spec.leaderWorkerTemplate.workerTemplate: spec.leaderWorkerTemplate.workerTemplate must be a map, got a list'],
  ])('of another shape is also what else these kinds have: %s, %s', (name, place, fields, message) => {
    expect(found(changed(name, place, fields))).toEqual([message]);
  });
});

describe('what an operator adds to pods', () => {
  const noScheduler = 'reads its devices from an annotation that Volcano writes, but the default scheduler places the pod';
  const readsDevices = (role: string): string => `visible-devices-scheduler spec.pytorchReplicaSpecs.${role}.template.spec.containers[0].env[0]: container 'pytorch' ${noScheduler}`;

  test('Volcano places the pods of a job with a queue, and those of a Ray cluster with one', () => {
    expect(found(changed('PyTorchJob/glm-sft', 'spec.runPolicy.schedulingPolicy', { queue: undefined }))).toEqual([readsDevices('Master'), readsDevices('Worker')]);
    expect(found(changed('RayCluster/npu', 'metadata', { labels: {} }))).toEqual([`visible-devices-scheduler spec.workerGroupSpecs[0].template.spec.containers[0].env[0]: container 'ray-worker' ${noScheduler}`]);
    expect(found(changed('RayCluster/npu', 'metadata', { labels: { 'ray.io/scheduler-name': 'volcano' } }))).toEqual([]);
  });

  test('a scheduler that the template names stays', () => {
    expect(found(changed('PyTorchJob/glm-sft', 'spec.pytorchReplicaSpecs.Master.template.spec', { schedulerName: 'coscheduler' }))).toEqual([readsDevices('Master').replace('the default scheduler', 'coscheduler')]);
  });

  test('Ray gets shared memory unless it keeps its objects elsewhere; other jobs get none', () => {
    const shared = (place: string, container: string): string => `shared-memory ${place}.volumeMounts: container '${container}' asks for 2 devices and has 64 MiB of /dev/shm`;

    expect(found(changed('RayService/chat', 'spec.rayClusterConfig.workerGroupSpecs.0.template.spec.containers.0', { volumeMounts: [{ name: 'plasma', mountPath: '/plasma' }] }))).toEqual([
      shared('spec.rayClusterConfig.workerGroupSpecs[0].template.spec.containers[0]', 'ray-worker'),
    ]);
    expect(found(changed('TFJob/ranking', 'spec.tfReplicaSpecs.Worker.template.spec.containers.0.resources', { limits: { memory: '32Gi', 'huawei.com/Ascend310P': 2 } }))).toEqual([
      shared('spec.tfReplicaSpecs.Worker.template.spec.containers[0]', 'tensorflow'),
    ]);
  });

  test('claims that a controller makes are volumes, others are not', () => {
    const missing = (place: string): string => `mounts-have-volumes ${place}.template.spec.containers[0].volumeMounts[0]: container 'worker' mounts the volume 'model-cache' at /models, but the pod has none of that name`;

    expect(found(changed('JobSet/sweep', 'spec', { volumeClaimPolicies: [] }))).toEqual([missing('spec.replicatedJobs[1].template.spec')]);
    expect(found(changed('LeaderWorkerSet/vllm', 'spec.leaderWorkerTemplate', { volumeClaimTemplates: undefined })).map((line) => line.split(':')[0])).toEqual([
      'mounts-have-volumes spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].volumeMounts[1]', 'mounts-have-volumes spec.leaderWorkerTemplate.workerTemplate.spec.containers[0].volumeMounts[1]',
    ]);
  });
});

describe('how many pods there are', () => {
  const claim: KubernetesObject = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'once', namespace: 'ray' }, spec: { accessModes: ['ReadWriteOnce'] } };
  const mounting = (group: object): KubernetesObject => {
    const object = changed('RayCluster/npu', 'spec.workerGroupSpecs.0', group);
    Object.assign(at(object, ['spec', 'workerGroupSpecs', 0, 'template', 'spec']), { volumes: [{ name: 'w', persistentVolumeClaim: { claimName: 'once' } }] });
    return object;
  };

  test.each([[{ replicas: 3, numOfHosts: 1 }, '3'], [{ replicas: 1 }, '2'], [{ replicas: 9 }, '8'], [{ replicas: undefined, minReplicas: 2, numOfHosts: undefined }, '2']])('of a group of Ray workers with %j: %s', (group, count) => {
    expect(found(claim, mounting(group))).toEqual([`claim-shared spec.accessModes: the claim is ReadWriteOnce, but RayCluster/npu mounts it in ${count} pods`]);
  });

  test('one pod at most may mount a claim of one node', () => {
    expect(found(claim, mounting({ replicas: 1, numOfHosts: 1 }))).toEqual([]);
  });

  test('a disruption budget counts the pods of a set of jobs', () => {
    const object = changed('JobSet/sweep', 'spec.replicatedJobs.1.template.spec.template.metadata', { labels: { app: 'sweep' } });
    const budget = (minAvailable: number): KubernetesObject => ({ apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'sweep', namespace: 'research' }, spec: { minAvailable, selector: { matchLabels: { app: 'sweep' } } } });

    expect(found(object, budget(8))).toEqual(['disruption-budget spec.minAvailable: minAvailable is 8, and there are 8 pods']);
    expect(found(object, budget(7))).toEqual([]);
  });
});

describe('objects of other groups', () => {
  test.each(Object.keys(CONTAINERS).filter((name) => podTemplates(changed(name, '', { apiVersion: 'x.example/v1' })).length === 0))('have no pods known here: %s', (name) => {
    expect(found({ ...changed(name, '', { spec: { ...objectOf(name).spec as object, volumeClaimTemplates: 3 } }), apiVersion: 'x.example/v1' })).toEqual([]);
  });

  test('of every version have the pods of the group', () => {
    expect(podTemplates(changed('RayCluster/npu', '', { apiVersion: 'ray.io/v1alpha1' }))).toHaveLength(2);
    expect(podTemplates(changed('MPIJob/allreduce', '', { apiVersion: 'kubeflow.org/v1' }))).toHaveLength(2);
    expect(podTemplates(changed('MPIJob/allreduce', '', { apiVersion: 'kubeflow.org.example/v1' }))).toEqual([]);
  });
});
