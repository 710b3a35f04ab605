import { Accelerator, DevicePlugin } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const OURS = { name: 'ours', resourceName: 'corp.example/npu', accelerators: [Accelerator.ASCEND_910B3] };

test('a plugin of your own gives all that it was told', () => {
  const plugin = DevicePlugin.custom({
    ...OURS, nodeSelector: { npu: 'yes' }, podLabels: { team: 'ml' }, podAnnotations: { 'corp.example/slice': 'whole' }, runtimeClassName: 'npu',
    hostDirectories: ['/opt/npu'], env: { NPU_LOG: 'warn' },
  });

  expect(fragmentOf(plugin, { accelerator: Accelerator.ASCEND_910B3, devices: 3 })).toEqual({
    source: 'device plugin \'ours\'', devices: { 'corp.example/npu': 3 }, nodeSelector: { npu: 'yes' }, labels: { team: 'ml' },
    annotations: { 'corp.example/slice': 'whole' }, env: [{ name: 'NPU_LOG', value: 'warn' }], runtimeClassName: 'npu',
    volumes: [{ name: 'host-opt-npu', hostPath: { path: '/opt/npu', type: 'Directory' } }], mounts: [{ name: 'host-opt-npu', mountPath: '/opt/npu', readOnly: true }],
  });
});

test('it names the chips that it was told, and no other', () => {
  expect(Accelerator.all().filter((accelerator) => DevicePlugin.custom(OURS).names(accelerator))).toEqual([Accelerator.ASCEND_910B3]);
});

test.each(['npu', 'corp.example/', 'Corp.example/npu', 'a/b/c', 'corp.example/-npu'])('\'%s\' is no extended resource', (resourceName) => {
  expect(thrownBy(() => DevicePlugin.custom({ ...OURS, resourceName }))).toBe(`'resourceName' must be an extended resource like 'example.com/npu', got '${resourceName}'`);
});
