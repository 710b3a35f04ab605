import {
  annotations, ascendJob, ASCEND_310P, ASCEND_910, asks, configMapAt, deployment, env, job, labels, object, type Parts, podLabels, POLICY, RING, type RuleCase, statefulSet, volcanoJob,
} from '../manifests';

const A2 = annotations({ [POLICY]: 'chip8-node8' });
const RINGS = '/user/serverid/devindex/config';
const ring = (value: string): Parts => ({ metadata: { labels: { [RING]: value } }, podMetadata: { labels: { [RING]: value } } });
const A2_DEVICES = [asks(ASCEND_910, 8), A2] as const;
const table = (name: string, given: Parts['metadata'] = { labels: { [RING]: 'ascend-910b' } }, fields: object = {}) => object('ConfigMap', name, { metadata: given, ...fields });
const RINGS_OF_TRAIN = configMapAt('rings-config-train', RINGS);
const ringed = [...A2_DEVICES, ring('ascend-910b'), RINGS_OF_TRAIN] as const;

export const RANK_TABLE_CASES: RuleCase[] = [
  ['ring-controller-known', volcanoJob(1, ...A2_DEVICES, ring('ascend-910b')), volcanoJob(1, ...A2_DEVICES, ring('ascend-910B')),
    [
      'the label ring-controller.atlas is \'ascend-910B\', which is none of ascend-910, ascend-910b, ascend-310P, ascend-310, ascend-npu',
      'the label ring-controller.atlas is \'ascend-910B\', which is none of ascend-910, ascend-910b, ascend-310P, ascend-310, ascend-npu',
    ]],
  ['ring-controller-resource', job(asks(ASCEND_310P), ring('ascend-310P')), job(asks(ASCEND_310P), ring('ascend-910b')),
    ['the label ring-controller.atlas is \'ascend-910b\', but the pod asks for huawei.com/Ascend310P']],
  ['ring-controller-places', volcanoJob(1, ...A2_DEVICES, ring('ascend-910b')), volcanoJob(1, ...A2_DEVICES, labels({ [RING]: 'ascend-910' }), podLabels({ [RING]: 'ascend-910b' })),
    ['the label ring-controller.atlas is \'ascend-910\' on the Job and \'ascend-910b\' on its pods']],
  ['ring-controller-places', [volcanoJob(1, ...ringed), table('rings-config-train')], [volcanoJob(1, ...A2_DEVICES, labels({ [RING]: 'ascend-910b' }), RINGS_OF_TRAIN), table('rings-config-train')],
    ['the label ring-controller.atlas is \'ascend-910b\' on the Job and missing on its pods']],
  ['rank-table-workload', [volcanoJob(1, ...ringed), table('rings-config-train')], [volcanoJob(1, ...A2_DEVICES, RINGS_OF_TRAIN), table('rings-config-train')],
    ['the pods mount the rank table \'rings-config-train\', but the Job has no label ring-controller.atlas']],
  ['rank-table-workload', [volcanoJob(1, ...A2_DEVICES, RINGS_OF_TRAIN, { pod: { volumes: [{ name: 'ranktable', hostPath: { path: '/user/mindx-dl/ranktable' } }] } }), table('rings-config-train')],
    [deployment(asks(ASCEND_910, 8), A2, podLabels({ [RING]: 'ascend-910b', 'deploy-name': 'chat' }), configMapAt('rings-config-chat', RINGS)), table('rings-config-chat')],
    ['the pods mount the rank table \'rings-config-chat\', but the Deployment has no label ring-controller.atlas']],
  ['rank-table-workload', [ascendJob(1, ...A2_DEVICES, RINGS_OF_TRAIN), table('rings-config-train', {})],
    [statefulSet(deployment(asks(ASCEND_910, 8), A2, podLabels({ 'deploy-name': 'chat' }), configMapAt('rings-config-chat', RINGS))), table('rings-config-chat')],
    ['the pods mount the rank table \'rings-config-chat\', but the StatefulSet has no label ring-controller.atlas']],
  ['rank-table-name', [volcanoJob(1, ...ringed), table('rings-config-train')], [volcanoJob(1, ...ringed, { metadata: { name: 'tune' } }), table('rings-config-train')],
    ['the pod mounts the rank table \'rings-config-train\', but the operator fills \'rings-config-tune\'']],
  ['rank-table-config-map', [volcanoJob(1, ...ringed), table('rings-config-train')], [volcanoJob(1, ...ringed), table('rings-config-train', { namespace: 'other', labels: { [RING]: 'ascend-910b' } })],
    ['the pod mounts the rank table \'rings-config-train\', and no ConfigMap of that name is among the checked objects of its namespace']],
  ['rank-table-label', [volcanoJob(1, ...ringed), table('rings-config-train')], [volcanoJob(1, ...ringed), table('rings-config-train', {})],
    ['the label ring-controller.atlas of the rank table is missing, but Job/train has \'ascend-910b\'']],
  ['rank-table-reset', table('rings-config-train'), table('rings-config-train', {}, { data: { 'hccl.json': '{"status":"initializing"}' } }),
    ['the rank table has data, which overwrites what the operator wrote when it is applied again']],
  ['rank-table-mounted', [volcanoJob(1, ...ringed, env('RANK_TABLE_FILE', `${RINGS}/hccl.json`)), table('rings-config-train')], volcanoJob(1, ...A2_DEVICES, env('RANK_TABLE_FILE', `${RINGS}/hccl.json`)),
    ['container \'main\' reads its rank table from /user/serverid/devindex/config/hccl.json, where nothing is mounted']],
  ['rank-table-deploy-name', [deployment(...ringed.slice(0, 3), configMapAt('rings-config-chat', RINGS), podLabels({ 'deploy-name': 'chat' })), table('rings-config-chat')],
    [deployment(...ringed.slice(0, 3), configMapAt('rings-config-chat', RINGS)), table('rings-config-chat')],
    ['the pods mount a rank table, but their label deploy-name is missing; it must be \'chat\'']],
  ['rank-table-deploy-name', [statefulSet(deployment(...ringed.slice(0, 3), configMapAt('rings-config-chat', RINGS), podLabels({ 'deploy-name': 'chat' }))), table('rings-config-chat')],
    [statefulSet(deployment(...ringed.slice(0, 3), configMapAt('rings-config-chat', RINGS), podLabels({ 'deploy-name': 'chats' }))), table('rings-config-chat')],
    ['the pods mount a rank table, but their label deploy-name is \'chats\'; it must be \'chat\'']],
];

const policies = (...of: object[]): Parts => ({ spec: { policies: of } });
const subdomain: Parts = { pod: { subdomain: 'train' }, spec: { parallelism: 2, completions: 2, completionMode: 'Indexed' } };
const service = (spec: object) => object('Service', 'train', { spec });

export const JOB_CASES: RuleCase[] = [
  ['gang-too-large', volcanoJob(2), volcanoJob(2, { spec: { minAvailable: 3 } }),
    ['minAvailable is 3, but the job has 2 pods']],
  ['gang-too-large', ascendJob(2, asks(ASCEND_910, 8), A2), ascendJob(2, asks(ASCEND_910, 8), A2, { spec: { runPolicy: { schedulingPolicy: { minAvailable: 4 } } } }),
    ['minAvailable is 4, but the job has 3 pods']],
  ['gang-incomplete', volcanoJob(2, { spec: { minAvailable: 1 } }), volcanoJob(2, ...A2_DEVICES, { spec: { minAvailable: 1 } }),
    ['minAvailable is 1, but the job has 2 pods that need each other']],
  ['volcano-policies', volcanoJob(1, policies({ exitCode: 20, action: 'AbortJob' }, { event: 'PodEvicted', action: 'RestartJob' })),
    volcanoJob(1, policies({ exitCode: 0 }, { event: 'PodFailed', exitCode: 3 }, { action: 'AbortJob' }, { events: ['PodFailed'] })),
    [
      'policy 0 is for exit code 0, which is no failure',
      'policy 1 has both an event and an exit code',
      'policy 2 has neither an event nor an exit code',
      'two policies are for PodFailed',
    ]],
  ['volcano-policy-order', volcanoJob(1, policies({ exitCode: 20 }, { event: 'PodFailed' })), volcanoJob(1, policies({ event: 'PodFailed' }, { exitCode: 20 })),
    ['policy 1 for exit code 20 comes after policy 0, which takes every failure']],
  ['volcano-policy-order', volcanoJob(1, policies({ event: 'PodEvicted' }, { exitCode: 20 })), volcanoJob(1, policies({ events: ['PodEvicted', '*'] }, { exitCode: 20 })),
    ['policy 1 for exit code 20 comes after policy 0, which takes every failure']],
  ['job-without-index', job(asks(ASCEND_910, 8), { spec: { parallelism: 2, completions: 2, completionMode: 'Indexed' } }), job(asks(ASCEND_910, 8), { spec: { parallelism: 2 } }),
    ['2 pods with devices run side by side without an index']],
  ['job-without-index', job({ spec: { parallelism: 20 } }), job(asks('cambricon.com/mlu370'), { spec: { parallelism: 3, completions: 9 } }),
    ['3 pods with devices run side by side without an index']],
  ['rendezvous-service', [job(subdomain), service({ clusterIP: 'None' })], [job(subdomain), service({})],
    ['the pods have the subdomain \'train\', but the Service of that name is not headless']],
  ['rendezvous-not-ready', [job(asks(ASCEND_910, 8), subdomain), service({ clusterIP: 'None', publishNotReadyAddresses: true })], [job(asks(ASCEND_910, 8), subdomain), service({ clusterIP: 'None' })],
    ['the pods meet through the Service \'train\', which does not publish the addresses of pods that are not ready']],
  ['ascend-job-container', ascendJob(1, ...A2_DEVICES), ascendJob(1, ...A2_DEVICES, { container: { name: 'train' } }),
    ['the role Worker has no container \'ascend\', only \'train\'']],
  ['ascend-job-framework', ascendJob(1, ...A2_DEVICES), ascendJob(1, ...A2_DEVICES, labels({ framework: 'MindSpore' })),
    ['the label framework is \'MindSpore\'; it must be one of mindspore, pytorch, tensorflow']],
  ['ascend-job-roles', ascendJob(1, ...A2_DEVICES), ascendJob(1, ...A2_DEVICES, labels({ framework: 'pytorch' })),
    ['the role \'Scheduler\' is none of Master, Worker']],
  ['ascend-job-roles', ascendJob(1, ...A2_DEVICES), ascendJob(1, { spec: { replicaSpecs: { Worker: workers(2) }, runPolicy: {} } }),
    ['a MindSpore job of 2 devices has no Scheduler']],
  ['ascend-job-roles', ascendJob(1, { spec: { replicaSpecs: { Worker: ascendJobWorker() }, runPolicy: {} } }), ascendJob(1, { spec: { replicaSpecs: { Worker: { ...workers(4), replicas: 2 } }, runPolicy: {} } }),
    ['a MindSpore job of 8 devices has no Scheduler']],
  ['ascend-job-roles', ascendJob(1, { spec: { replicaSpecs: { Worker: workers(1) }, runPolicy: {} } }), ascendJob(1, { spec: { replicaSpecs: { Scheduler: { ...workers(1), replicas: 2 }, Worker: workers(1) }, runPolicy: {} } }),
    ['the role Scheduler has 2 pods instead of 1']],
];

/** A role whose only pod asks for devices. */
function workers(devices: number): object {
  return ascendJobWorker(asks(ASCEND_910, devices));
}

function ascendJobWorker(...parts: Parts[]): object {
  const { spec } = ascendJob(1, ...parts) as { spec?: { replicaSpecs: { Worker: object } } };
  return spec!.replicaSpecs.Worker;
}
