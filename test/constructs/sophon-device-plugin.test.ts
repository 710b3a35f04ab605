import { Chart, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import { Accelerator, SophonDevicePlugin, type SophonDevicePluginProps } from 'cdk8s-chatglm';

import { messageOf } from '../support/bad-input';
import { fragmentOf } from '../support/device-fragment';
import { chartWith, synthesized } from '../support/synthesized';

const PROPS: SophonDevicePluginProps = { image: 'ghcr.io/squat/generic-device-plugin@sha256:' + '0'.repeat(64), nodeSelector: { tpu: 'bm1684x' } };

interface Device { readonly name: string; readonly groups: { paths: { path: string; mountPath?: string }[] }[] }

function plugin(props: Partial<SophonDevicePluginProps> = {}) {
  const chart = chartWith({ imageRegistry: 'harbor.corp.example' });
  const construct = new SophonDevicePlugin(chart, 'tpus', { ...PROPS, ...props });
  const [daemonSet] = synthesized(chart) as unknown as { spec: { template: { spec: { nodeSelector: object; containers: { image: string; args: string[] }[] } } } }[];
  const { args, image } = daemonSet!.spec.template.spec.containers[0]!;
  return { construct, image, nodeSelector: daemonSet!.spec.template.spec.nodeSelector, devices: args.filter((word) => word.startsWith('{')).map((word) => JSON.parse(word) as Device) };
}

test('a chip is handed out as number 0, with the control device', () => {
  const { devices, image, nodeSelector } = plugin({ units: [{ devicesPerUnit: 1, count: 2 }] });

  expect(devices).toEqual([{ name: 'bm1684x', groups: [
    { paths: [{ path: '/dev/bm-sophon0', mountPath: '/dev/bm-sophon0' }, { path: '/dev/bmdev-ctl' }] },
    { paths: [{ path: '/dev/bm-sophon1', mountPath: '/dev/bm-sophon0' }, { path: '/dev/bmdev-ctl' }] },
  ] }]);
  expect(image).toMatch(/^harbor\.corp\.example\/.*generic-device-plugin@sha256:0{64}$/);
  expect(nodeSelector).toEqual({ tpu: 'bm1684x' });
});

test.each([2, 4, 8])('a group of %i chips is numbered from 0, and no chip is in two units', (size) => {
  const { devices, construct } = plugin({ units: [{ devicesPerUnit: 1, count: 1 }, { devicesPerUnit: size, count: 2 }] });
  const paths = devices.flatMap(({ groups }) => groups.flatMap((group) => group.paths.filter(({ path }) => path.startsWith('/dev/bm-sophon'))));

  expect(paths.map(({ path }) => path)).toEqual(Array.from({ length: 1 + 2 * size }, (_, index) => `/dev/bm-sophon${String(index)}`));
  expect(devices[1]!.name).toBe(`bm1684x-${String(size)}`);
  expect(devices[1]!.groups.map((group) => group.paths.slice(0, size).map(({ mountPath }) => mountPath))).toEqual(
    Array.from({ length: 2 }, () => Array.from({ length: size }, (_, index) => `/dev/bm-sophon${String(index)}`)),
  );
  expect(construct.devicePlugin(size).name).toBe(`generic-device-plugin squat.ai/bm1684x-${String(size)}`);
});

test('its image is pulled with the platform\'s secrets', () => {
  const chart = chartWith({ imagePullSecrets: [Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'some', 'harbor')] });
  new SophonDevicePlugin(chart, 'tpus', PROPS);

  expect(synthesized(chart)[0]).toMatchObject({ kind: 'DaemonSet', spec: { template: { spec: { imagePullSecrets: [{ name: 'harbor' }] } } } });
});

test('a SoC has its own device nodes', () => {
  expect(plugin({ soc: true }).devices).toEqual([{ name: 'bm1684x', groups: [{ paths: [{ path: '/dev/bm-tpu0' }, { path: '/dev/bmdev-ctl' }, { path: '/dev/ion' }] }] }]);
});

test.each<[string, Partial<SophonDevicePluginProps>, string[]]>([
  ['a card\'s host needs the driver only: libsophon is the image\'s', {}, []],
  ['a SoC\'s libraries are the node\'s', { soc: true }, ['/opt/sophon']],
  ['a host can have libsophon', { mountLibsophon: true }, ['/opt/sophon']],
  ['a SoC can leave it to the image', { soc: true, mountLibsophon: false }, []],
])('%s', (_what, props, paths) => {
  const { mounts = [] } = fragmentOf(plugin(props).construct.devicePlugin(1), { accelerator: Accelerator.BM1684X });

  expect(mounts.map(({ mountPath }) => mountPath)).toEqual(paths);
});

test.each<[string, () => unknown, string]>([
  ['three chips', () => plugin({ units: [{ devicesPerUnit: 3, count: 1 }] }), '[test/tpus] \'units\' must have 1, 2, 4, 8 chips and a whole count from 1, got 1 of 3'],
  ['no count', () => plugin({ units: [{ devicesPerUnit: 1, count: 0 }] }), '[test/tpus] \'units\' must have 1, 2, 4, 8 chips and a whole count from 1, got 0 of 1'],
  ['a size twice', () => plugin({ units: [{ devicesPerUnit: 1, count: 1 }, { devicesPerUnit: 1, count: 2 }] }), '[test/tpus] \'units\' must name each size once'],
  ['units of a SoC', () => plugin({ soc: true, units: [{ devicesPerUnit: 1, count: 2 }] }), '[test/tpus] \'units\' must be left out with \'soc\': a SoC has one chip'],
  ['an image without a tag', () => plugin({ image: 'squat/generic-device-plugin' }), '[test/tpus] \'image\' must be pinned by a full tag or a digest, got \'squat/generic-device-plugin\''],
  ['a unit that is not there', () => plugin().construct.devicePlugin(4), 'no unit has 4 chips; \'units\' has 1'],
])('%s is refused', (_what, program, message) => {
  expect(messageOf(program)).toBe(message);
});
