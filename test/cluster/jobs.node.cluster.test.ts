// AscendJob and Volcano Job, as our small controller runs them.
import { eventually } from './support/eventually';
import { TestNamespace } from './support/namespace';

let namespace: TestNamespace;
beforeEach(async () => { namespace = await TestNamespace.create('jobs'); });
afterEach(() => namespace.delete());

const volcanoJob = (spec: string, command: string, devices = 2): string => `
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
metadata: {name: v, labels: {ring-controller.atlas: ascend-910b}}
spec:
  minAvailable: 2
  schedulerName: volcano
  plugins: {svc: [--publish-not-ready-addresses=true], env: []}
  ${spec}
  tasks:
  - name: worker
    replicas: 2
    template:
      spec:
        restartPolicy: Never
        terminationGracePeriodSeconds: 1
        containers:
        - name: c
          image: registry.example.com/mindspore:v1
          command: [sh, -c, ${JSON.stringify(command)}]
          env: [{name: ASCEND_VISIBLE_DEVICES, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['huawei.com/Ascend910']"}}}]
          resources: {requests: {huawei.com/Ascend910: ${String(devices)}}, limits: {huawei.com/Ascend910: ${String(devices)}}}
          volumeMounts: [{name: ranks, mountPath: /user/serverid/devindex/config}]
        volumes: [{name: ranks, configMap: {name: rings-config-v}}]
`;
const RINGS = (job: string): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: rings-config-${job}}
data: {hccl.json: '{"status":"initializing"}'}
---`;
const TABLE = 'F=/user/serverid/devindex/config/hccl.json; until grep -q completed $F; do sleep 0.5; done; cat $F';
interface Table { server_list: { device: { device_id: string; device_ip: string; rank_id: string }[]; server_id: string }[]; server_count: string; status: string }

test('a Volcano Job has its names, hosts, chips and rank table', async () => {
  await namespace.apply(RINGS('v') + volcanoJob('', `echo $(hostname) $VC_TASK_INDEX $VC_WORKER_HOSTS $VC_WORKER_NUM; echo $ASCEND_VISIBLE_DEVICES; ls /dev | grep -E 'davinci[0-9]' | sort -V; ${TABLE}`));
  await namespace.eventuallyHas('jobs.batch.volcano.sh', 'v', '{.status.state.phase}', /^Completed$/, 90);
  const log = await namespace.kubectl('logs', 'v-worker-1');
  const [names, chips = ''] = log.split('\n');
  expect(names).toBe('v-worker-1 1 v-worker-0.v,v-worker-1.v 2');
  const ids = [...chips.matchAll(/Ascend910-(\d+)/g)].map(([, id]) => String(id));
  expect(ids).toHaveLength(2);
  expect(log).toContain(`\n${ids.map((id) => `davinci${id}`).join('\n')}\n`);
  const table = JSON.parse(log.slice(log.indexOf('{'))) as Table;
  expect(table.server_list.flatMap(({ device }) => device.map(({ rank_id }) => rank_id))).toEqual(['0', '1', '2', '3']);
  expect(table.server_list[1]?.device.map(({ device_id, device_ip }) => [device_id, device_ip])).toEqual(ids.map((id) => [id, `192.168.100.1${id.padStart(2, '0')}`]));
  expect(table.server_list[1]?.server_id).toBe((await namespace.get('pod', 'v-worker-1')).metadata.uid);
}, 120_000);

test('a Volcano Job does not start a part of its pods', async () => {
  await namespace.apply(RINGS('v') + volcanoJob('', 'true', 9));
  await eventually('two pods', async () => ((await namespace.list('pods')).length === 2 ? true : undefined));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  expect((await namespace.list('pods')).map((pod) => pod.spec.nodeName as string | undefined)).toEqual([undefined, undefined]);
});

test('RestartJob makes all pods again, and maxRetry ends it', async () => {
  await namespace.apply(RINGS('v') + volcanoJob('maxRetry: 2\n  policies: [{event: PodFailed, action: RestartJob}]', 'sleep 1; [ $VC_TASK_INDEX = 0 ] && exit 3; sleep 60'));
  const first = await eventually('first pods', async () => { const pods = await namespace.list('pods'); return pods.length === 2 ? pods.map((pod) => pod.metadata) : undefined; });
  await namespace.eventuallyHas('jobs.batch.volcano.sh', 'v', '{.status.state.phase} {.status.retryCount}', /^Failed 2$/, 90);
  const last = await namespace.list('pods');
  expect(last.filter((pod) => first.some(({ uid }) => uid === pod.metadata.uid))).toEqual([]);
}, 120_000);

test('an exit code policy aborts a Volcano Job', async () => {
  await namespace.apply(RINGS('v') + volcanoJob('policies: [{exitCode: 22, action: AbortJob}, {event: PodFailed, action: RestartJob}]', '[ $VC_TASK_INDEX = 0 ] && exit 22; sleep 60').replace('{exitCode: 22, action: AbortJob}, {event: PodFailed, action: RestartJob}', '{exitCode: 22, action: AbortJob}'));
  await namespace.eventuallyHas('jobs.batch.volcano.sh', 'v', '{.status.state.phase}', /^Aborted$/);
});

const ascendJob = (command: string, { labels = '', spec = '', devices = 2, policy = 'Never' } = {}): string => `
apiVersion: mindxdl.gitee.com/v1
kind: AscendJob
metadata: {name: a, labels: {framework: mindspore${labels}}}
spec:
  schedulerName: volcano
  runPolicy: {schedulingPolicy: {minAvailable: 3, queue: default}}
  successPolicy: AllWorkers
  ${spec}
  replicaSpecs:
${['Scheduler', 'Worker'].map((type) => `    ${type}:
      replicas: ${type === 'Worker' ? '2' : '1'}
      restartPolicy: ${policy}
      template:
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: ascend
            image: registry.example.com/mindspore:v1
            command: [sh, -c, ${JSON.stringify(command)}]
            ports: [{name: ascendjob-port, containerPort: 2222}]
            ${type === 'Worker' ? `resources: {requests: {huawei.com/Ascend910: ${String(devices)}}, limits: {huawei.com/Ascend910: ${String(devices)}}}` : ''}
            volumeMounts: [{name: ranks, mountPath: /user/serverid/devindex/config}]
          volumes: [{name: ranks, configMap: {name: rings-config-a}}]`).join('\n')}
`;

test('an AscendJob has the operator\'s environment and rank table, and succeeds', async () => {
  await namespace.apply(RINGS('a') + ascendJob(`echo $MS_ROLE $MS_NODE_RANK $MS_WORKER_NUM $MS_LOCAL_WORKER $MS_SCHED_HOST $MS_SCHED_PORT $NPU_POD; echo $ASCEND_VISIBLE_DEVICES; ${TABLE}`));
  await namespace.eventuallyHas('ascendjob', 'a', '{.status.conditions[-1:].type}', /^Succeeded$/, 90);
  const service = (await namespace.get('service', 'a-scheduler-0')).spec.clusterIP as string;
  expect((await namespace.kubectl('logs', 'a-worker-1')).split('\n')[0]).toBe(`MS_WORKER 1 4 2 ${service} 2222 true`);
  const scheduler = await namespace.get('pod', 'a-scheduler-0');
  expect((await namespace.kubectl('logs', 'a-scheduler-0')).split('\n')[0]).toBe(`MS_SCHED 0 4 2 ${String(scheduler.status.podIP)} 2222 false`);
  const config = await namespace.get('configmap', 'rings-config-a');
  const table = JSON.parse(config.data['hccl.json'] as string) as Table;
  expect([table.status, table.server_count, table.server_list.flatMap(({ device }) => device.map(({ rank_id }) => rank_id))]).toEqual(['completed', '2', ['0', '1', '2', '3']]);
}, 120_000);

test('fault-retry-times makes all pods of an AscendJob again', async () => {
  await namespace.apply(RINGS('a') + ascendJob('case $REPLICA_TYPE in Scheduler) sleep 60;; *) sleep 1; exit 5;; esac', { labels: ', fault-scheduling: force, fault-retry-times: "1"' }));
  await namespace.eventuallyHas('ascendjob', 'a', '{.status.conditions[-1:].message}', /has failed because pod failed and remain retry times is 0\.$/, 90);
  expect((await namespace.list('pods')).map((pod) => pod.metadata.labels?.version)).toEqual(['1', '1', '1']);
}, 120_000);

test.each([
  ['label framework is "" but must be one of mindspore, pytorch, tensorflow', (text: string) => text.replace('framework: mindspore', 'other: x')],
  ['Worker replicaSpec is not valid: There is no container named ascend', (text: string) => text.replace(/(Worker:[^]*?)- name: ascend/, '$1- name: main')],
  ['replicaType is Master but must be one of [Scheduler Worker]', (text: string) => text.replace('Scheduler:', 'Master:')],
])('an AscendJob fails with "%s"', async (message, change) => {
  await namespace.apply(RINGS('a') + change(ascendJob('true')));
  expect(await namespace.eventuallyHas('ascendjob', 'a', '{.status.conditions[-1:].message}', /./)).toBe(message);
  expect(await namespace.list('pods')).toEqual([]);
});
