import type { V1PodSpec } from '@kubernetes/client-node';
import { WorkloadKind } from 'cdk8s-chatglm';

import type { PodFragment } from '../../../lib/pods/pod-fragment';
import type { BatchKind, BatchRequest } from '../../../lib/workloads/batch-request';
import { deployment } from '../../../lib/workloads/deployment';
import type { KubernetesObject } from '../../../lib/workloads/kubernetes-object';
import { composeLayers } from '../../support/layers';
import { thrownBy } from '../../support/thrown';

const RING: PodFragment = {
  source: 'plugin', labels: { 'ring-controller.atlas': 'ascend-910b' }, objectLabels: { 'ring-controller.atlas': 'ascend-910b' },
  annotations: { 'huawei.com/schedule_policy': 'chip8-node8' }, objectAnnotations: { 'huawei.com/schedule_policy': 'chip8-node8' },
  devices: { 'huawei.com/Ascend910': 8 }, nodeSelector: { 'accelerator-type': 'module-910b-8' },
  env: [{ name: 'ASCEND_VISIBLE_DEVICES', valueFrom: { fieldRef: { fieldPath: 'metadata.annotations[\'huawei.com/Ascend910\']' } } }, { name: 'OTHER', value: '1' }],
};
const URGENT: PodFragment = { source: 'platform', priorityClassName: 'urgent' };
const PERMANENT = Array.from({ length: 20 }, (_, index) => 20 + index);

/** Objects of a job `train` of some pods, as the construct would render them. */
function render({ _kind: kind }: WorkloadKind, request: Partial<BatchRequest> = {}, extra: readonly PodFragment[] = []): KubernetesObject[] {
  const facts = { name: 'train', pods: 1, ...request };
  return kind.render({
    backoffLimit: 3, labels: { app: 'train' }, ...facts, pod: podOf(kind, facts, extra),
  });
}

function podOf(kind: BatchKind, facts: { name: string; pods: number; rankTable?: string | undefined }, extra: readonly PodFragment[]) {
  const fragment = kind.fragment(facts);
  const own = fragment.containerName === undefined ? {} : { containerName: fragment.containerName };
  return composeLayers({ platform: [{ ...fragment, ...own }], devicePlugin: [RING, ...extra] });
}

function spec(objects: readonly KubernetesObject[], index = 0): Record<string, unknown> {
  return objects[index]!.spec as Record<string, unknown>;
}

describe('a Job', () => {
  test('is told apart by operators through the labels of the plugin, and retries what can be mended', () => {
    const [job, ...others] = render(WorkloadKind.JOB);

    expect(others).toEqual([]);
    expect(job).toMatchObject({
      apiVersion: 'batch/v1', kind: 'Job',
      metadata: { name: 'train', labels: { app: 'train', 'ring-controller.atlas': 'ascend-910b' }, annotations: { 'huawei.com/schedule_policy': 'chip8-node8' } },
      spec: {
        backoffLimit: 3,
        podFailurePolicy: {
          rules: [
            { action: 'FailJob', onExitCodes: { operator: 'In', values: PERMANENT } }, { action: 'Ignore', onExitCodes: { operator: 'In', values: [50] } },
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          ],
        },
        template: {
          metadata: { labels: { app: 'train', 'ring-controller.atlas': 'ascend-910b' }, annotations: { 'huawei.com/schedule_policy': 'chip8-node8' } },
          spec: { restartPolicy: 'Never' },
        },
      },
    });
  });

  test('has neither deadline nor clean-up nor index unless asked for', () => {
    expect(Object.keys(spec(render(WorkloadKind.JOB)))).toEqual(['backoffLimit', 'podFailurePolicy', 'template']);
  });

  test('has the deadline and the clean-up that it was given', () => {
    expect(spec(render(WorkloadKind.JOB, { activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 0 }))).toMatchObject({ activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 0 });
  });
});

describe('an Indexed Job', () => {
  test('has one index a pod, each on a node of its own, and names that resolve before they are ready', () => {
    const [job, service] = render(WorkloadKind.INDEXED_JOB, { pods: 4 });

    expect(job!.spec).toMatchObject({
      completions: 4, parallelism: 4, completionMode: 'Indexed',
      template: {
        spec: {
          subdomain: 'train', restartPolicy: 'Never',
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [{
                labelSelector: { matchExpressions: [{ key: 'batch.kubernetes.io/job-name', operator: 'In', values: ['train'] }] }, topologyKey: 'kubernetes.io/hostname',
              }],
            },
          },
        },
      },
    });
    expect(service).toEqual({
      apiVersion: 'v1', kind: 'Service', metadata: { name: 'train', labels: { app: 'train' } },
      spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { 'batch.kubernetes.io/job-name': 'train' } },
    });
  });

  test('of one pod needs no node of its own', () => {
    const template = spec(render(WorkloadKind.INDEXED_JOB)).template as { spec: object };

    expect(template.spec).not.toHaveProperty('affinity');
  });
});

describe('a Volcano Job', () => {
  test('places all pods together, in its queue', () => {
    const [job, ...others] = render(WorkloadKind.VOLCANO_JOB, { pods: 4, queue: 'llm', rankTable: 'generated' });

    expect(others).toEqual([]);
    expect(job).toMatchObject({
      apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job',
      metadata: { labels: { 'ring-controller.atlas': 'ascend-910b' }, annotations: { 'huawei.com/schedule_policy': 'chip8-node8' } },
      spec: {
        minAvailable: 4, schedulerName: 'volcano', queue: 'llm', maxRetry: 4, plugins: { env: [], svc: [] },
        tasks: [{
          name: 'worker', replicas: 4,
          template: {
            metadata: { labels: { 'ring-controller.atlas': 'ascend-910b' } },
            spec: {
              schedulerName: 'volcano', restartPolicy: 'Never',
              affinity: {
                podAntiAffinity: {
                  requiredDuringSchedulingIgnoredDuringExecution: [{
                    labelSelector: { matchExpressions: [{ key: 'volcano.sh/job-name', operator: 'In', values: ['train'] }] }, topologyKey: 'kubernetes.io/hostname',
                  }],
                },
              },
            },
          },
        }],
      },
    });
  });

  test('goes into the queue that every Volcano has', () => {
    expect(spec(render(WorkloadKind.VOLCANO_JOB))).toMatchObject({ queue: 'default' });
  });

  test('ends at a fault that no retry can mend, although a failed pod restarts it: Volcano takes the first policy that matches', () => {
    const policies = spec(render(WorkloadKind.VOLCANO_JOB)).policies as { event?: string; exitCode?: number; action: string }[];
    const actionOf = (event: string, exitCode: number) => policies.find((policy) => policy.event === event || policy.exitCode === exitCode)?.action;

    expect(PERMANENT.map((code) => actionOf('PodFailed', code))).toEqual(Array(20).fill('AbortJob'));
    expect([1, 19, 40, 50, 137].map((code) => actionOf('PodFailed', code))).toEqual(Array(5).fill('RestartJob'));
    expect(actionOf('PodEvicted', 0)).toBe('RestartJob');
  });

  test.each([0, 1, 3])('is started again %i times, as often as a Job: Volcano gives up when its restarts reach maxRetry', (backoffLimit) => {
    const { maxRetry } = spec(render(WorkloadKind.VOLCANO_JOB, { backoffLimit })) as { maxRetry: number };
    let [starts, restarts] = [1, 0];
    // What its controller does at each failure (pkg/controllers/job/state: running.go, restarting.go); its webhook turns 0 into 3.
    for (restarts += 1; restarts < (maxRetry === 0 ? 3 : maxRetry); restarts += 1) {
      starts += 1;
    }

    expect(starts - 1).toBe(backoffLimit);
  });

  test('cannot have a deadline', () => {
    expect(thrownBy(() => render(WorkloadKind.VOLCANO_JOB, { activeDeadlineSeconds: 60 }))).toBe(
      '\'deadline\' is not possible in a VolcanoJob, which knows none; leave it out, or use another \'workload\'',
    );
  });

  test('has the priority of its pods, for the scheduler sorts jobs by that of the PodGroup', () => {
    expect(spec(render(WorkloadKind.VOLCANO_JOB, {}, [URGENT])).priorityClassName).toBe('urgent');
    expect(spec(render(WorkloadKind.VOLCANO_JOB))).not.toHaveProperty('priorityClassName');
  });

  test('has the clean-up that it was given', () => {
    expect(spec(render(WorkloadKind.VOLCANO_JOB, { ttlSecondsAfterFinished: 0 }))).toMatchObject({ ttlSecondsAfterFinished: 0 });
  });

  test('has the data without which an operator of 6.x ends, where it is told so', () => {
    const data = { 'hccl.json': '{"status":"initializing"}' };
    const [, ringsConfig] = render(WorkloadKind.VOLCANO_JOB, { rankTable: 'operator', rankTableData: data });

    expect(ringsConfig).toMatchObject({ metadata: { name: 'rings-config-train' }, data });
  });

  test('has the ConfigMap that MindCluster\'s operator fills, labelled as the operator looks for it, at the path of its documentation', () => {
    const [job, ringsConfig] = render(WorkloadKind.VOLCANO_JOB, { rankTable: 'operator' });

    expect(ringsConfig).toEqual({
      apiVersion: 'v1', kind: 'ConfigMap',
      metadata: {
        name: 'rings-config-train', labels: { app: 'train', 'ring-controller.atlas': 'ascend-910b' }, annotations: { 'huawei.com/schedule_policy': 'chip8-node8' },
      },
    });
    expect((job!.spec as { tasks: { template: object }[] }).tasks[0]?.template).toMatchObject({
      spec: {
        volumes: [{ name: 'ascend-910-config', configMap: { name: 'rings-config-train' } }],
        containers: [{ volumeMounts: [{ name: 'ascend-910-config', mountPath: '/user/serverid/devindex/config', readOnly: true }] }],
      },
    });
  });
});

describe.each([WorkloadKind.VOLCANO_JOB, WorkloadKind.ASCEND_JOB])('the labels of a $name', ({ _kind: kind }) => {
  const labelsOf = (faultRetryTimes?: number) => {
    const { labels = {}, objectLabels = {} } = kind.fragment({ name: 'train', pods: 1, ...(faultRetryTimes !== undefined && { faultRetryTimes }) });
    const ofFaults = (all: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(all).filter(([key]) => key.startsWith('fault-')));
    return [ofFaults(labels), ofFaults(objectLabels)];
  };

  test('have MindCluster move it away from faulty devices', () => {
    const labels = { 'fault-scheduling': 'force', 'fault-retry-times': '2' };

    expect(labelsOf(2)).toEqual([labels, labels]);
  });

  test('keep it where it is when nothing is to be tried again: moves off faulty devices are not counted', () => {
    expect(labelsOf(0)).toEqual([{ 'fault-scheduling': 'off' }, { 'fault-scheduling': 'off' }]);
  });

  test('say nothing where MindCluster does not schedule it', () => {
    expect(labelsOf()).toEqual([{}, {}]);
  });
});

describe('an AscendJob', () => {
  const request = { pods: 4, queue: 'llm', schedulerPod: composeLayers({ props: [{ source: 'scheduler', containerName: 'ascend', command: ['scheduler'], ports: [{ name: 'ascendjob-port', containerPort: 2222 }], labels: { role: 'scheduler' } }] }) };

  test('has the group, the labels and the roles that the operator asks for', () => {
    const [job, ...others] = render(WorkloadKind.ASCEND_JOB, request);

    expect(others).toEqual([]);
    expect(job).toMatchObject({
      apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob',
      metadata: { labels: { framework: 'mindspore', 'ring-controller.atlas': 'ascend-910b' }, annotations: { 'huawei.com/schedule_policy': 'chip8-node8' } },
      spec: {
        schedulerName: 'volcano', successPolicy: 'AllWorkers', runPolicy: { backoffLimit: 3, schedulingPolicy: { minAvailable: 5, queue: 'llm' } },
        replicaSpecs: { Scheduler: { replicas: 1, restartPolicy: 'Never' }, Worker: { replicas: 4, restartPolicy: 'Never' } },
      },
    });
  });

  test.each([
    ['deadline', { activeDeadlineSeconds: 60 }], ['ttlAfterFinished', { ttlSecondsAfterFinished: 0 }],
  ])('cannot have a \'%s\', which the operator takes and does not act on', (prop, given) => {
    expect(thrownBy(() => render(WorkloadKind.ASCEND_JOB, { ...request, ...given }))).toBe(
      `'${prop}' is not possible in an AscendJob, whose operator does not act on it; leave it out, or use another 'workload'`,
    );
  });

  test('has the priority of its pods, for the scheduler sorts jobs by that of the PodGroup', () => {
    const { runPolicy } = spec(render(WorkloadKind.ASCEND_JOB, request, [URGENT])) as { runPolicy: object };

    expect(runPolicy).toMatchObject({ schedulingPolicy: { minAvailable: 5, queue: 'llm', priorityClass: 'urgent' } });
    expect(spec(render(WorkloadKind.ASCEND_JOB, request))).not.toHaveProperty('runPolicy.schedulingPolicy.priorityClass');
  });

  test('starts containers called ascend with the operator\'s port', () => {
    const [job] = render(WorkloadKind.ASCEND_JOB, request);

    const { Scheduler, Worker } = (job!.spec as { replicaSpecs: Record<string, { template: { spec: { containers: object[] } } }> }).replicaSpecs;
    for (const role of [Scheduler, Worker]) {
      expect(role?.template.spec.containers).toEqual([expect.objectContaining({ name: 'ascend', ports: [{ name: 'ascendjob-port', containerPort: 2222 }] })]);
    }
  });

  test('has a Scheduler whose pod is its own', () => {
    const [job] = render(WorkloadKind.ASCEND_JOB, request);

    const { Scheduler, Worker } = (job!.spec as { replicaSpecs: Record<string, { template: { metadata: object; spec: Record<string, unknown> } }> }).replicaSpecs;
    expect(Worker?.template.spec.nodeSelector).toEqual({ 'accelerator-type': 'module-910b-8' });
    expect(Scheduler?.template).toMatchObject({ metadata: { labels: { app: 'train', role: 'scheduler' } }, spec: { containers: [{ command: ['scheduler'] }] } });
    expect(Scheduler?.template.spec).not.toHaveProperty('nodeSelector');
    expect(Scheduler?.template.spec).not.toHaveProperty('affinity');
  });

  test('keeps its Workers apart and lets the Scheduler, which has the job\'s name as well, onto the node of one of them', () => {
    const [job] = render(WorkloadKind.ASCEND_JOB, request);
    const { Worker } = (job!.spec as { replicaSpecs: Record<string, { template: { spec: V1PodSpec } }> }).replicaSpecs;
    const [term] = Worker!.template.spec.affinity!.podAntiAffinity!.requiredDuringSchedulingIgnoredDuringExecution!;
    const matches = (labels: Record<string, string>) => term!.labelSelector!.matchExpressions!.every(({ key, operator, values }) => operator === 'In' && values!.includes(labels[key]!));

    expect(term!.topologyKey).toBe('kubernetes.io/hostname');
    expect(matches({ 'job-name': 'train', 'replica-type': 'worker' })).toBe(true);
    expect(matches({ 'job-name': 'train', 'replica-type': 'scheduler' })).toBe(false);
    expect(matches({ 'job-name': 'another', 'replica-type': 'worker' })).toBe(false);
  });

  test('is refused for a task that has no pod for the Scheduler', () => {
    expect(thrownBy(() => render(WorkloadKind.ASCEND_JOB))).toBe('an AscendJob needs a pod for its Scheduler, and this task has none');
  });
});

describe('a Deployment', () => {
  const request = { name: 'chat', labels: { app: 'chat' }, selector: { app: 'chat' }, pod: composeLayers({ devicePlugin: [RING] }), replicas: 2, progressDeadlineSeconds: 2700 };

  test('is recreated on change, since a surge pod would need devices that do not exist', () => {
    expect(deployment(request)).toMatchObject({
      apiVersion: 'apps/v1', kind: 'Deployment',
      metadata: { name: 'chat', labels: { app: 'chat', 'ring-controller.atlas': 'ascend-910b' } },
      spec: {
        replicas: 2, progressDeadlineSeconds: 2700, revisionHistoryLimit: 3, strategy: { type: 'Recreate' }, selector: { matchLabels: { app: 'chat' } },
        template: { metadata: { labels: { app: 'chat', 'ring-controller.atlas': 'ascend-910b' } } },
      },
    });
  });

  test('has no annotations where no concern asks for any', () => {
    expect(deployment({ ...request, pod: composeLayers({}) }).metadata).toEqual({ name: 'chat', labels: { app: 'chat' } });
  });
});

test('a kind says which rank tables it can have, its default first', () => {
  const kinds = [WorkloadKind.JOB, WorkloadKind.INDEXED_JOB, WorkloadKind.VOLCANO_JOB, WorkloadKind.ASCEND_JOB];

  expect(kinds.map(({ name, _kind }) => [name, _kind.rankTables, _kind.schedulerRole])).toEqual([
    ['Job', ['generated', 'file', 'none'], false], ['IndexedJob', ['generated', 'file', 'none'], false],
    ['VolcanoJob', ['operator', 'generated', 'file', 'none'], false], ['AscendJob', ['none'], true],
  ]);
});
