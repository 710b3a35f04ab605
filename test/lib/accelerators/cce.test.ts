import { Accelerator, DevicePlugin, NodeType, Scheduler } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

test.each([
  [Accelerator.ASCEND_910A, 'huawei.com/ascend-1980'], [Accelerator.ASCEND_910B3, 'huawei.com/ascend-1980'], [Accelerator.ASCEND_910C, 'huawei.com/ascend-1980'],
  [Accelerator.ASCEND_310, 'huawei.com/ascend-310'],
])('%s is %s on Huawei Cloud, and its node has the label of the NPU add-on', (accelerator, resource) => {
  const fragment = fragmentOf(DevicePlugin.cce(), { accelerator, devices: 2 });

  expect(fragment).toEqual({
    source: 'device plugin \'CCE\'',
    devices: { [resource]: 2 },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'accelerator/huawei-npu', operator: 'Exists' }] }] },
      },
    },
  });
});

test('nothing of MindCluster comes with Volcano on Huawei Cloud', () => {
  const fragment = fragmentOf(DevicePlugin.cce(), { accelerator: Accelerator.ASCEND_910B3, nodeType: NodeType.ATLAS_800T_A2, scheduler: Scheduler.volcano() });

  expect(Object.keys(fragment)).toEqual(['source', 'devices', 'affinity']);
});

test('the counts of the server hold', () => {
  expect(thrownBy(() => fragmentOf(DevicePlugin.cce(), { accelerator: Accelerator.ASCEND_910A, nodeType: NodeType.ATLAS_800_9000, devices: 3 }))).toBe(
    '\'devices\' must be one of 1, 2, 4, 8 for a pod on Atlas 800 9000, got 3',
  );
});

test('a chip without a known name is refused', () => {
  expect(thrownBy(() => fragmentOf(DevicePlugin.cce(), { accelerator: Accelerator.ASCEND_310P_300I_PRO }))).toBe(
    'device plugin \'CCE\' has no resource for Ascend310P 300I Pro: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\'',
  );
});
