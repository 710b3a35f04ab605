import { Accelerator, CambriconMode, type CambriconOptions, DevicePlugin, NodeType, Scheduler } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const ask = (accelerator: Accelerator, options?: CambriconOptions, devices = 1) => fragmentOf(DevicePlugin.cambricon(options), { accelerator, devices });

test.each([
  [Accelerator.MLU370_S4, 'cambricon.com/mlu370'], [Accelerator.MLU370_X4, 'cambricon.com/mlu370'], [Accelerator.MLU370_X8, 'cambricon.com/mlu370'],
  [Accelerator.MLU590, 'cambricon.com/mlu590'],
])('a stock install advertises %s as %s, and the pod needs nothing else', (accelerator, resource) => {
  expect(ask(accelerator, undefined, 4)).toEqual({ source: 'device plugin \'Cambricon default\'', devices: { [resource]: 4 } });
});

test('without device types all cards are mlu', () => {
  expect(ask(Accelerator.MLU370_X8, { deviceType: false }).devices).toEqual({ 'cambricon.com/mlu': 1 });
});

test.each([
  [CambriconMode.TOPOLOGY_AWARE, 'cambricon.com/mlu370'], [CambriconMode.ENV_SHARE, 'cambricon.com/mlu370.share'],
  [CambriconMode.mim('2m.8gb'), 'cambricon.com/mlu370.mim-2m.8gb'], [CambriconMode.mim('2m.8gb+2vpu'), 'cambricon.com/mlu370.mim-2m.8gb-2vpu'],
])('mode $name has a resource of its own: %#', (mode, resource) => {
  expect(ask(Accelerator.MLU370_X8, { mode }).devices).toEqual({ [resource]: 1 });
});

test('with node labels the pod selects its exact card', () => {
  expect(ask(Accelerator.MLU370_X8, { nodeLabel: true }).nodeSelector).toEqual({ Model: 'MLU370-X8' });
});

test('Volcano changes nothing', () => {
  const request = { accelerator: Accelerator.MLU370_X8, nodeType: NodeType.MLU370_X8_SERVER };

  expect(fragmentOf(DevicePlugin.cambricon(), { ...request, scheduler: Scheduler.volcano() })).toEqual(fragmentOf(DevicePlugin.cambricon(), request));
});

test.each([
  [CambriconMode.ENV_SHARE, 'env-share'], [CambriconMode.mim('2m.8gb'), 'mim'],
])('a pod gets one share or slice: %#', (mode, name) => {
  expect(thrownBy(() => ask(Accelerator.MLU370_X8, { mode }, 2))).toBe(
    `'devices' must be 1 with mode '${name}', got 2: several shares or slices of one container may lie on one card`,
  );
});

test.each(['', '8gb', '2m.8GB', '2m.8gb+', '2m.8gb/1'])('\'%s\' is no MIM profile', (profile) => {
  expect(thrownBy(() => CambriconMode.mim(profile))).toBe(`a MIM profile looks like '2m.8gb', got '${profile}'`);
});

test('a chip of another vendor is refused', () => {
  expect(thrownBy(() => ask(Accelerator.BM1684X))).toBe(
    'device plugin \'Cambricon default\' has no resource for BM1684X: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\'',
  );
});
