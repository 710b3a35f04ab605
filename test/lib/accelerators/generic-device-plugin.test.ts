import { Accelerator, DevicePlugin, type GenericDevicePluginOptions, NodeType } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const ask = (options: GenericDevicePluginOptions, devices = 1, nodeType: NodeType | undefined = NodeType.SC7_HP75_SERVER) => fragmentOf(DevicePlugin.genericDevicePlugin(options), {
  accelerator: Accelerator.BM1684X, nodeType, devices,
});

test.each([NodeType.SC7_HP75_SERVER, undefined])('a chip is one unit of the plugin\'s default domain, and libsophon is the image\'s (%s)', (nodeType) => {
  expect(fragmentOf(DevicePlugin.genericDevicePlugin({ name: 'bm1684x' }), { accelerator: Accelerator.BM1684X, nodeType })).toEqual({
    source: 'device plugin \'generic-device-plugin squat.ai/bm1684x\'', devices: { 'squat.ai/bm1684x': 1 },
  });
});

test.each<[string, boolean | undefined, NodeType]>([
  ['on a SoC, which it belongs to', undefined, NodeType.SE7],
  ['where it is asked for', true, NodeType.SC7_HP75_SERVER],
])('libsophon comes from the node %s', (_where, mountLibsophon, nodeType) => {
  expect(ask({ name: 'bm1684x', ...(mountLibsophon !== undefined && { mountLibsophon }) }, 1, nodeType)).toEqual({
    source: 'device plugin \'generic-device-plugin squat.ai/bm1684x\'',
    devices: { 'squat.ai/bm1684x': 1 },
    volumes: [{ name: 'host-opt-sophon', hostPath: { path: '/opt/sophon', type: 'Directory' } }],
    mounts: [{ name: 'host-opt-sophon', mountPath: '/opt/sophon', readOnly: true }],
  });
});

test('a SoC can do with the image\'s, too', () => {
  expect(ask({ name: 'bm1684x', mountLibsophon: false }, 1, NodeType.SE7).mounts).toBeUndefined();
});

test('several chips are one unit whose groups hold them', () => {
  expect(ask({ domain: 'corp.example', name: 'bm1684x-3', devicesPerUnit: 3 }, 3)).toEqual({
    source: 'device plugin \'generic-device-plugin corp.example/bm1684x-3\'', devices: { 'corp.example/bm1684x-3': 1 },
  });
});

test('two units are refused, because both would number their chips from 0', () => {
  expect(thrownBy(() => ask({ name: 'bm1684x' }, 2))).toBe(
    '\'devices\' must be 1 with the resource squat.ai/bm1684x, got 2: each unit numbers its chips from 0, so two units would collide; '
    + 'name a resource whose groups hold that many chips and say so in \'devicesPerUnit\'',
  );
});

test('the counts of the server hold', () => {
  expect(thrownBy(() => ask({ name: 'bm1684x', devicesPerUnit: 4 }, 4))).toBe('\'devices\' must be one of 1, 2, 3 for a pod on SC7 HP75 server, got 4');
});

test.each([
  [{ name: 'BM1684X' }, '\'domain\' and \'name\' of the generic device plugin must be lower case DNS names, got \'squat.ai\' and \'BM1684X\''],
  [{ name: 'tpu', domain: 'corp_example' }, '\'domain\' and \'name\' of the generic device plugin must be lower case DNS names, got \'corp_example\' and \'tpu\''],
  [{ name: 'tpu', devicesPerUnit: 0 }, '\'devicesPerUnit\' must be a whole number from 1, got 0'],
])('a plugin that cannot be is refused: %#', (options, message) => {
  expect(thrownBy(() => DevicePlugin.genericDevicePlugin(options))).toBe(message);
});

test('it is for Sophgo', () => {
  expect(Accelerator.all().filter((accelerator) => DevicePlugin.genericDevicePlugin({ name: 'tpu' }).names(accelerator))).toEqual([Accelerator.BM1684X]);
});
