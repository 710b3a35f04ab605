import { Accelerator, DevicePlugin, NodeType } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';

test('an SE7 has the device nodes of a system on chip, a card server those of PCIe', () => {
  const paths = (nodeType: NodeType, options = {}) => fragmentOf(DevicePlugin.hostDevices(options), { accelerator: Accelerator.BM1684X, nodeType }).mounts?.map(({ mountPath }) => mountPath);

  expect(paths(NodeType.SE7)).toEqual(['/dev/bm-tpu0', '/dev/bmdev-ctl', '/dev/ion', '/opt/sophon']);
  expect(paths(NodeType.SE7, { mountLibsophon: false })).toEqual(['/dev/bm-tpu0', '/dev/bmdev-ctl', '/dev/ion']);
  // The libraries of a card's host are the image's: the host needs the driver only.
  expect(paths(NodeType.SC7_HP75_SERVER)).toEqual(['/dev/bm-sophon0', '/dev/bmdev-ctl']);
  expect(paths(NodeType.SC7_HP75_SERVER, { mountLibsophon: true })).toEqual(['/dev/bm-sophon0', '/dev/bmdev-ctl', '/opt/sophon']);
});

test('a pod on an Atlas 200I SoC A1 gets what MindCluster\'s sample mounts', () => {
  const { mounts, nodeSelector } = fragmentOf(DevicePlugin.mindCluster({ version: '26.1.0' }), { accelerator: Accelerator.ASCEND_310P_200I_SOC, nodeType: NodeType.ATLAS_200I_SOC_A1 });

  expect(mounts?.map(({ mountPath, readOnly }) => [mountPath, readOnly ?? false])).toEqual([
    ['/usr/local/Ascend/driver', true], ['/etc/slog.conf', true], ['/var/dmp_daemon', false], ['/var/slogd', false], ['/etc/hdcBasic.cfg', true],
    ['/etc/sys_version.conf', true], ['/usr/lib64/aicpu_kernels', true],
  ]);
  expect(nodeSelector).toMatchObject({ servertype: 'soc' });
});

test('paths of a node that differ have volumes that differ', () => {
  const names = ['/a/b', '/a-b', '/a_b', `/${'long-'.repeat(20)}x`, `/${'long-'.repeat(20)}y`].flatMap((path) => fragmentOf(
    DevicePlugin.custom({ name: 'mine', resourceName: 'example.com/npu', accelerators: [Accelerator.BM1684X], hostDirectories: [path] }), { accelerator: Accelerator.BM1684X },
  ).volumes?.map(({ name }) => name) ?? []);

  expect(new Set(names).size).toBe(5);
  expect(names.filter((name) => !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name))).toEqual([]);
});
