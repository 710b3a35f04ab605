import { Accelerator, DevicePlugin, NodeType } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

test.each([
  [Accelerator.ASCEND_910B3, [
    ['/dev/davinci0', 'CharDevice'], ['/dev/davinci_manager', 'CharDevice'], ['/dev/devmm_svm', 'CharDevice'],
    ['/dev/hisi_hdc', 'CharDevice'], ['/usr/local/Ascend/driver', 'Directory'], ['/usr/local/dcmi', 'Directory'], ['/usr/local/bin/npu-smi', 'File'],
    ['/etc/ascend_install.info', 'File'],
  ]],
  [Accelerator.MLU370_X8, [
    ['/dev/cambricon_dev0', 'CharDevice'], ['/dev/cambricon_ipcm0', 'CharDevice'], ['/dev/cambricon_ctl', 'CharDevice'],
    ['/usr/bin/cnmon', 'File'],
  ]],
  [Accelerator.BM1684X, [
    ['/dev/bm-sophon0', 'CharDevice'], ['/dev/bmdev-ctl', 'CharDevice'],
  ]],
])('%s is passed by its device nodes and the files of its driver', (accelerator, paths) => {
  const { volumes = [], mounts = [] } = fragmentOf(DevicePlugin.hostDevices(), { accelerator });

  expect(volumes.map(({ hostPath }) => [hostPath?.path, hostPath?.type])).toEqual(paths);
  expect(mounts.map(({ mountPath, readOnly }) => [mountPath, readOnly])).toEqual(paths.map(([path, type]) => [path, type === 'CharDevice' ? undefined : true]));
  expect(mounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
});

test('libsophon is Sophgo\'s alone', () => {
  const mounts = Accelerator.all().flatMap((accelerator) => fragmentOf(DevicePlugin.hostDevices({ mountLibsophon: true }), { accelerator }).mounts?.map(({ mountPath }) => [accelerator.name, mountPath]) ?? []);

  expect(mounts.filter(([, mountPath]) => mountPath === '/opt/sophon')).toEqual([[Accelerator.BM1684X.name, '/opt/sophon']]);
});

test('no resource is asked for and the container is privileged', () => {
  const { devices, securityContext } = fragmentOf(DevicePlugin.hostDevices(), { accelerator: Accelerator.BM1684X });

  expect(devices).toBeUndefined();
  expect(securityContext).toEqual({ privileged: true, allowPrivilegeEscalation: true });
});

test('as many devices as the pod asks for are passed, from the first on', () => {
  const { volumes = [] } = fragmentOf(DevicePlugin.hostDevices(), { accelerator: Accelerator.BM1684X, devices: 3 });

  expect(volumes.slice(0, 3).map(({ hostPath }) => hostPath?.path)).toEqual(['/dev/bm-sophon0', '/dev/bm-sophon1', '/dev/bm-sophon2']);
});

test('the caller picks the devices of the node', () => {
  const { volumes = [] } = fragmentOf(DevicePlugin.hostDevices({ deviceIds: [3, 5] }), { accelerator: Accelerator.ASCEND_910B3, devices: 2 });

  expect(volumes.slice(0, 2).map(({ hostPath }) => hostPath?.path)).toEqual(['/dev/davinci3', '/dev/davinci5']);
});

test.each([[[0]], [[0, 0]], [[0, -1]], [[0, 1.5]]])('devices %j for a pod of two are refused', (deviceIds) => {
  expect(thrownBy(() => fragmentOf(DevicePlugin.hostDevices({ deviceIds }), { accelerator: Accelerator.ASCEND_910B3, devices: 2 }))).toBe(
    `'deviceIds' must be 2 different whole numbers from 0, one for each of 'devices', got ${deviceIds.join(', ')}`,
  );
});

test('the counts of the server hold', () => {
  expect(thrownBy(() => fragmentOf(DevicePlugin.hostDevices(), { accelerator: Accelerator.BM1684X, nodeType: NodeType.SE7, devices: 2 }))).toBe(
    '\'devices\' must be one of 1 for a pod on SE7, got 2',
  );
});
