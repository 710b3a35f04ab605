// The custom resources are as strict as Kubernetes' own.
import { TestNamespace } from './support/namespace';

let namespace: TestNamespace;
beforeAll(async () => { namespace = await TestNamespace.create('schemas'); });
afterAll(() => namespace.delete());

const dryRun = (text: string) => namespace.attempt(['apply', '--validate=strict', '--dry-run=server', '-f', '-'], text);
const ascendJob = (spec: string, container = ''): string => `
apiVersion: mindxdl.gitee.com/v1
kind: AscendJob
metadata: {name: a, labels: {framework: mindspore}}
spec:
  runPolicy: {schedulingPolicy: {minAvailable: 2, queue: default}}
  ${spec}
  replicaSpecs:
    Worker:
      replicas: 1
      template: {spec: {containers: [{name: ascend, image: "x:1"${container}}]}}
`;
const volcanoJob = (spec: string): string => `
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
metadata: {name: v}
spec: {minAvailable: 2, schedulerName: volcano, ${spec}}
`;
const TASK = 'name: worker, replicas: 2, template: {spec: {containers: [{name: c, image: "x:1"}]}}';

test.each([
  ['AscendJob', ascendJob('successPolicy: AllWorkers', ', resources: {limits: {huawei.com/Ascend910: 8}}, env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]')],
  ['Volcano Job', volcanoJob(`tasks: [{${TASK}}], policies: [{event: PodEvicted, action: RestartJob}], plugins: {svc: [], env: []}`)],
])('a correct %s is accepted', async (_, text) => {
  expect(await dryRun(text)).toMatchObject({ code: 0, stdout: expect.stringMatching(/created \(server dry run\)/) });
});

test.each([
  ['an unknown field of AscendJob', ascendJob('succesPolicy: AllWorkers'), /unknown field "spec\.succesPolicy"/],
  ['an unknown field of its containers', ascendJob('', ', imagePulPolicy: Always'), /unknown field "spec\.replicaSpecs\.Worker\.template\.spec\.containers\[0\]\.imagePulPolicy"/],
  ['a wrong type in its containers', ascendJob('', ', command: sleep'), /spec\.replicaSpecs\.Worker\.template\.spec\.containers\[0\]\.command: Invalid value/],
  ['an unknown field of Volcano Job', volcanoJob(`tasks: [{${TASK}}], backoffLimit: 3`), /unknown field "spec\.backoffLimit"/],
  ['an unknown event', volcanoJob(`tasks: [{${TASK}}], policies: [{event: PodDied, action: RestartJob}]`), /Unsupported value: "PodDied"/],
  ['an unknown field of a task\'s pods', volcanoJob('tasks: [{name: w, replicas: 1, template: {spec: {containers: [{name: c}], restartpolicy: Never}}}]'), /unknown field "spec\.tasks\[0\]\.template\.spec\.restartpolicy"/],
  ['a task without replicas field name', volcanoJob('tasks: []'), /spec\.tasks: Invalid value: 0|should have at least 1 items/],
])('%s is refused', async (_, text, reason) => {
  const { code, stderr } = await dryRun(text);
  expect(stderr).toMatch(reason);
  expect(code).toBe(1);
});
