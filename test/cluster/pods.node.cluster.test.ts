// What pods meet on the real node: devices, host files, volumes, the network, signals.
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { inside } from './support/cluster';
import { TestNamespace } from './support/namespace';

let namespace: TestNamespace;
beforeAll(async () => { namespace = await TestNamespace.create('pods'); });
afterAll(() => namespace.delete());

interface Device { readonly name: string; readonly devices?: string[]; readonly indexEnv?: string[]; readonly plain?: boolean }
const DEVICES = JSON.parse(readFileSync(path.join(__dirname, 'conf', 'devices.json'), 'utf8')) as Device[];
const pod = (name: string, command: string, spec: string, extra = ''): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  restartPolicy: Never
  ${extra}
  containers:
  - name: c
    image: registry.example.com/some/image:v1
    command: [sh, -c, ${JSON.stringify(command)}]
    ${spec}
`;

test('every resource that has a device plugin gives its device nodes and environment', async () => {
  const real = DEVICES.filter(({ plain }) => plain !== true);
  await namespace.apply(real.map(({ name }, i) => pod(`device-${String(i)}`, 'ls /dev; echo; env', `resources: {limits: {${name}: 1}}`)).join('---\n'));
  const logs = await namespace.logsOfEnded(real.map((_, i) => `device-${String(i)}`), 120);
  const expected = real.map(({ devices = [], indexEnv = [] }) => [...devices.map((file) => file.replace('/dev/', '').replace(/\{.\}/, '\\d+')), ...indexEnv.map((name) => `${name}=\\d+`)]);
  expect(logs.map((log, i) => expected[i]?.filter((line) => !new RegExp(`^${line}$`, 'm').test(log)))).toEqual(real.map(() => []));
}, 150_000);

test('two of the node\'s NPUs are two device nodes that can be opened, and the vendor\'s tools show them', async () => {
  await namespace.apply(pod('two', 'npu-smi info -l; /usr/local/Ascend/driver/tools/hccn_tool -i $(echo $ASCEND_VISIBLE_DEVICES | cut -d, -f2) -ip -g; for d in /dev/davinci[0-9]*; do echo x > $d && echo wrote $d; done; cat /usr/local/Ascend/driver/version.info /etc/ascend_install.info', `
    resources: {limits: {huawei.com/Ascend910: 2, cpu: 500m, memory: 256Mi}}
    volumeMounts: [{name: driver, mountPath: /usr/local/Ascend/driver, readOnly: true}, {name: info, mountPath: /etc/ascend_install.info}]`, `
  runtimeClassName: ascend
  volumes: [{name: driver, hostPath: {path: /usr/local/Ascend/driver, type: Directory}}, {name: info, hostPath: {path: /etc/ascend_install.info, type: File}}]`));
  const log = await namespace.logOfEnded('two');
  expect(log).toMatch(/Total Count +: 2\n/);
  expect(log).toMatch(/ipaddr:192\.168\.100\.1\d\d\nnetmask:255\.255\.255\.0\n/);
  expect(log.match(/wrote/g)).toHaveLength(2);
  expect(log).toMatch(/Version=25\.0\.0[^]*Driver_Install_Path_Param=\/usr\/local\/Ascend/);
});

test('production\'s size runs', async () => {
  await namespace.apply(pod('large', 'true', 'resources: {requests: {cpu: 96, memory: 512Gi}, limits: {cpu: 96, memory: 512Gi, huawei.com/npu: 8}}'));
  await namespace.logOfEnded('large');
  expect((await namespace.get('pod', 'large')).status.phase).toBe('Succeeded');
});

test('a memory limit kills', async () => {
  await namespace.apply(pod('oom', 'exec python3 -c "b = bytearray(400 << 20); print(len(b))"', 'resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: 100m, memory: 128Mi}}'));
  await namespace.eventuallyHas('pod', 'oom', '{.status.containerStatuses[0].state.terminated.reason}', /^OOMKilled$/);
});

test('a claim of any storage class is a folder that users share', async () => {
  const claim = '\n  volumes: [{name: m, persistentVolumeClaim: {claimName: models}}]';
  await namespace.apply(`
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: models}
spec: {storageClassName: nfs, accessModes: [ReadWriteMany], resources: {requests: {storage: 10Gi}}}
---${pod('writer', 'echo hi > /models/file', 'volumeMounts: [{name: m, mountPath: /models}]', `securityContext: {runAsUser: 1000}${claim}`)}`);
  await namespace.logOfEnded('writer');
  await namespace.apply(pod('reader', 'cat /models/file; id -u', 'volumeMounts: [{name: m, mountPath: /models, readOnly: true}]', `securityContext: {runAsUser: 2000}${claim}`));
  expect(await namespace.logOfEnded('reader')).toBe('hi\n2000\n');
});

test('unhealthy devices leave the node\'s allocatable', async () => {
  const before = (await inside('sh', ['-c', 'ls "${KUBECONFIG%/*}/health"'])).stdout;
  expect(before).toBe('');
  await inside('sh', ['-c', 'echo 0 3 > "${KUBECONFIG%/*}/health/cambricon.com_mlu590"']);
  await namespace.eventuallyHas('node', 'real', '{.status.allocatable.cambricon\\.com/mlu590}', /^6$/);
  await inside('sh', ['-c', 'rm "${KUBECONFIG%/*}/health/cambricon.com_mlu590"']);
  await namespace.eventuallyHas('node', 'real', '{.status.allocatable.cambricon\\.com/mlu590}', /^8$/);
});

test('PodSecurity "restricted" refuses hostPath and runs a tidy pod', async () => {
  const locked = await TestNamespace.create('locked', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  const { code, stderr } = await locked.attempt(['apply', '-f', '-'], pod('bad', 'true', '', 'volumes: [{name: h, hostPath: {path: /usr/local/Ascend}}]'));
  expect([code, /restricted volume types/.test(stderr)]).toEqual([1, true]);
  await locked.apply(pod('good', 'id -u', 'securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}', 'securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}'));
  expect(await locked.logOfEnded('good')).toBe('1000\n');
  await locked.delete();
});
