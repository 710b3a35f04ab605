import { Size } from 'cdk8s';
import { Accelerator, DevicePlugin, type HamiOptions, NodeType } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const ask = (accelerator: Accelerator, options?: HamiOptions, devices = 1) => fragmentOf(DevicePlugin.hami(options), { accelerator, devices });

test.each([
  [Accelerator.ASCEND_910A, 'huawei.com/Ascend910A'], [Accelerator.ASCEND_910B2, 'huawei.com/Ascend910B2'], [Accelerator.ASCEND_910B3, 'huawei.com/Ascend910B3'],
  [Accelerator.ASCEND_910B4, 'huawei.com/Ascend910B4'], [Accelerator.ASCEND_910B4_1, 'huawei.com/Ascend910B4-1'], [Accelerator.ASCEND_910C, 'huawei.com/Ascend910C'],
  [Accelerator.ASCEND_310P_300I_DUO_48G, 'huawei.com/Ascend310P'],
])('%s is %s, with the runtime class and the node label of HAMi', (accelerator, resource) => {
  expect(ask(accelerator, undefined, 2)).toEqual({
    source: 'device plugin \'HAMi\'', devices: { [resource]: 2 }, runtimeClassName: 'ascend', nodeSelector: { ascend: 'on' },
  });
});

test('a slice by memory is in MiB beside one device', () => {
  const { devices, annotations } = ask(Accelerator.ASCEND_910B3, { deviceMemory: Size.gibibytes(16) });

  expect(devices).toEqual({ 'huawei.com/Ascend910B3': 1, 'huawei.com/Ascend910B3-memory': 16384 });
  expect(annotations).toBeUndefined();
});

test('a slice by compute has the annotation without which HAMi refuses it', () => {
  const { devices, annotations } = ask(Accelerator.ASCEND_910B3, { deviceCorePercent: 25 });

  expect(devices).toEqual({ 'huawei.com/Ascend910B3': 1, 'huawei.com/Ascend910B3-core': 25 });
  expect(annotations).toEqual({ 'huawei.com/vnpu-mode': 'hami-core' });
});

test('a slice is of one device, unless it is soft', () => {
  const slice = { deviceMemory: Size.gibibytes(16) };

  expect(thrownBy(() => ask(Accelerator.ASCEND_910B3, slice, 2))).toBe(
    '\'devices\' must be 1 with a HAMi slice, got 2: HAMi refuses several slices in one pod unless they are soft; set \'deviceCorePercent\' too, or ask for whole devices',
  );
  expect(ask(Accelerator.ASCEND_910B3, { ...slice, deviceCorePercent: 25 }, 2).devices).toEqual({
    'huawei.com/Ascend910B3': 2, 'huawei.com/Ascend910B3-memory': 16384, 'huawei.com/Ascend910B3-core': 25,
  });
});

test('two dies of a 910C come together, so that an odd count is refused', () => {
  expect(thrownBy(() => ask(Accelerator.ASCEND_910C, undefined, 3))).toBe(
    '\'devices\' must be 1 or an even number on Ascend910C with HAMi, got 3: it hands out packages of two dies, also to who asks for one',
  );
  expect([1, 2, 16].map((devices) => ask(Accelerator.ASCEND_910C, undefined, devices).devices)).toEqual([1, 2, 16].map((devices) => ({ 'huawei.com/Ascend910C': devices })));
  expect(ask(Accelerator.ASCEND_910B3, undefined, 3).devices).toEqual({ 'huawei.com/Ascend910B3': 3 });
});

test.each([Accelerator.ASCEND_310P_300I_DUO_96G, Accelerator.ASCEND_310P_300V_PRO_48G, Accelerator.ASCEND_310P_300V, Accelerator.ASCEND_310P_300I_PRO])(
  'a slice of %s has at most the 24 GiB that HAMi knows each 310P by', (accelerator) => {
    expect(thrownBy(() => ask(accelerator, { deviceMemory: Size.mebibytes(24577) }))).toBe(
      `'deviceMemory' of a HAMi slice must be at most 24Gi on ${accelerator.name}, got 24577Mi`,
    );
    expect(ask(accelerator, { deviceMemory: Size.gibibytes(24) }).devices).toMatchObject({ 'huawei.com/Ascend310P-memory': 24576 });
  },
);

test('with soft slicing the memory of a 310P is what the card has', () => {
  const { devices } = ask(Accelerator.ASCEND_310P_300I_DUO_96G, { deviceMemory: Size.gibibytes(48), deviceCorePercent: 50 });

  expect(devices).toMatchObject({ 'huawei.com/Ascend310P-memory': 49152 });
});

test('whole devices keep to the counts of the server', () => {
  expect(thrownBy(() => fragmentOf(DevicePlugin.hami(), { accelerator: Accelerator.ASCEND_910A, nodeType: NodeType.ATLAS_800_HALF, devices: 3 }))).toBe(
    '\'devices\' must be one of 1, 2, 4 for a pod on Atlas 800 half, got 3',
  );
});

test.each([Accelerator.MLU370_X8, Accelerator.MLU590])('%s under HAMi is refused with the reason', (accelerator) => {
  expect(thrownBy(() => ask(accelerator))).toBe(
    `device plugin 'HAMi' has no resource for ${accelerator.name}: HAMi writes the annotation CAMBRICON_DSMLU_ASSIGNED where Cambricon's public plugin reads `
    + 'CAMBRICON_DSMLU_ASSIGHED; use DevicePlugin.cambricon()',
  );
});

test('a chip that HAMi has no entry for is refused', () => {
  expect(thrownBy(() => ask(Accelerator.ASCEND_910B1))).toBe(
    'device plugin \'HAMi\' has no resource for Ascend910B1: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\'',
  );
});

test.each([0, 101, 12.5])('a share of %d percent is refused', (deviceCorePercent) => {
  expect(thrownBy(() => DevicePlugin.hami({ deviceCorePercent }))).toBe(`'deviceCorePercent' must be a whole number from 1 to 100, got ${String(deviceCorePercent)}`);
});

test('less than a MiB of memory is refused', () => {
  expect(thrownBy(() => DevicePlugin.hami({ deviceMemory: Size.kibibytes(1023) }))).toBe('\'deviceMemory\' of HAMi must be at least 1 MiB, got 1023Ki');
});
