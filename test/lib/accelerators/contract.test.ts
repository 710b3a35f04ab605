import { Size } from 'cdk8s';
import {
  Accelerator, CambriconMode, DevicePlugin, EnvPreset, GlmModel, InferenceDeployment, type InferenceDeploymentProps, NodeType, Runtime, Scheduler, ScriptDelivery, SecurityLevel, Vendor,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../../lib/workloads/kubernetes-object';
import { deepFreeze } from '../../support/deep-freeze';
import { illegalNames } from '../../support/kubernetes-names';
import { devicesOf, podOf } from '../../support/pod-of';
import { chartWith, synthesized } from '../../support/synthesized';
import { VIRTUAL_DEVICES } from '../../support/virtual-devices';

/** A way to configure a device plugin, and the resources that it has to ask for. */
interface Case {
  readonly title: string;
  readonly plugin: (devices: number) => DevicePlugin;
  readonly scheduler?: Scheduler;
  readonly resources: (devices: number) => Record<string, number>;
  /** Slices come one to a pod. */
  readonly single?: boolean;
  readonly privileged?: boolean;
}

const MIND_CLUSTER: Readonly<Record<string, string>> = {
  '910A': 'huawei.com/Ascend910', '910B': 'huawei.com/Ascend910', '910C': 'huawei.com/Ascend910', '310P': 'huawei.com/Ascend310P', '310': 'huawei.com/Ascend310',
};
const MIXED: Readonly<Record<string, string>> = { '300V': 'Ascend310P-V', '300V Pro': 'Ascend310P-VPro', '300I Pro': 'Ascend310P-IPro' };
const VOLCANO = Scheduler.volcano({ queue: 'llm' });

function casesOf(accelerator: Accelerator): Case[] {
  return [
    ...mindClusterCases(accelerator), ...virtualDeviceCases(accelerator), ...cceCases(accelerator), ...hamiCases(accelerator),
    ...cambriconCases(accelerator), ...sophgoCases(accelerator), ...anyChipCases(accelerator),
  ];
}

function mindClusterCases({ series, card = '' }: Accelerator): Case[] {
  const resource = MIND_CLUSTER[series];
  if (resource === undefined) {
    return [];
  }
  const mixed = MIXED[card];
  return [
    ...['7.2.RC1', '26.0', '26.1.0'].flatMap((version) => [Scheduler.DEFAULT, VOLCANO].map((scheduler): Case => ({
      title: `MindCluster ${version}, ${scheduler.name}`, scheduler,
      plugin: () => DevicePlugin.mindCluster({ version }),
      resources: (devices) => ({ [resource]: devices }),
    }))),
    {
      title: 'MindCluster without Ascend Docker Runtime', plugin: () => DevicePlugin.mindCluster({ version: '26.0', dockerRuntime: false }),
      resources: (devices) => ({ [resource]: devices }),
    },
    ...(mixed === undefined ? [] : [{
      title: 'MindCluster with mixed insert', plugin: () => DevicePlugin.mindCluster({ version: '26.0', mixedInsert: true }),
      resources: (devices: number) => ({ [`huawei.com/${mixed}`]: devices }),
    }]),
  ];
}

function virtualDeviceCases({ series }: Accelerator): Case[] {
  return Object.entries(VIRTUAL_DEVICES[series] ?? {}).map(([virtualDevice, resource]): Case => ({
    title: `MindCluster with ${virtualDevice}`, scheduler: VOLCANO, single: true,
    plugin: () => DevicePlugin.mindCluster({ version: '26.1', virtualDevice }),
    resources: () => ({ [`huawei.com/${resource}`]: 1 }),
  }));
}

function cceCases({ series }: Accelerator): Case[] {
  const resource = { '910A': 'ascend-1980', '910B': 'ascend-1980', '910C': 'ascend-1980', '310': 'ascend-310' }[series];
  return resource === undefined ? [] : [{ title: 'CCE', plugin: () => DevicePlugin.cce(), resources: (devices) => ({ [`huawei.com/${resource}`]: devices }) }];
}

function hamiCases({ hamiName }: Accelerator): Case[] {
  if (hamiName === undefined) {
    return [];
  }
  const name = `huawei.com/${hamiName}`;
  return [
    { title: 'HAMi, whole', plugin: () => DevicePlugin.hami(), resources: (devices) => ({ [name]: devices }) },
    {
      title: 'HAMi, memory', single: true, plugin: () => DevicePlugin.hami({ deviceMemory: Size.gibibytes(8) }),
      resources: () => ({ [name]: 1, [`${name}-memory`]: 8192 }),
    },
    {
      title: 'HAMi, memory and core', single: true, plugin: () => DevicePlugin.hami({ deviceMemory: Size.gibibytes(8), deviceCorePercent: 50 }),
      resources: () => ({ [name]: 1, [`${name}-memory`]: 8192, [`${name}-core`]: 50 }),
    },
  ];
}

function cambriconCases({ vendor, series }: Accelerator): Case[] {
  if (vendor !== Vendor.CAMBRICON) {
    return [];
  }
  const modes: [CambriconMode, string][] = [
    [CambriconMode.DEFAULT, ''], [CambriconMode.TOPOLOGY_AWARE, ''], [CambriconMode.ENV_SHARE, '.share'], [CambriconMode.mim('2m.8gb'), '.mim-2m.8gb'],
  ];
  return modes.flatMap(([mode, suffix]) => [true, false].flatMap((deviceType) => [true, false].map((nodeLabel): Case => ({
    title: `Cambricon ${mode.name}, device type ${String(deviceType)}, node label ${String(nodeLabel)}`,
    single: suffix !== '',
    plugin: () => DevicePlugin.cambricon({ mode, deviceType, nodeLabel }),
    resources: (devices) => ({ [`cambricon.com/${deviceType ? series.toLowerCase() : 'mlu'}${suffix}`]: devices }),
  }))));
}

function sophgoCases({ vendor }: Accelerator): Case[] {
  return vendor !== Vendor.SOPHGO ? [] : [
    {
      title: 'generic-device-plugin', plugin: (devicesPerUnit) => DevicePlugin.genericDevicePlugin({ name: 'bm1684x', devicesPerUnit }),
      resources: () => ({ 'squat.ai/bm1684x': 1 }),
    },
    {
      title: 'generic-device-plugin of another domain', plugin: (devicesPerUnit) => DevicePlugin.genericDevicePlugin({ domain: 'corp.example', name: 'tpu', devicesPerUnit, mountLibsophon: false }),
      resources: () => ({ 'corp.example/tpu': 1 }),
    },
  ];
}

function anyChipCases(accelerator: Accelerator): Case[] {
  return [
    { title: 'host devices', plugin: () => DevicePlugin.hostDevices(), privileged: true, resources: () => ({}) },
    {
      title: 'a custom plugin', resources: (devices) => ({ 'corp.example/npu': devices }),
      plugin: () => DevicePlugin.custom({
        name: 'ours', resourceName: 'corp.example/npu', accelerators: [accelerator], nodeSelector: { 'corp.example/npu': 'true' }, podLabels: { npu: 'yes' },
        podAnnotations: { 'corp.example/why': 'because it is so' }, runtimeClassName: 'npu', hostDirectories: ['/opt/npu', '/usr/lib64/npu'], env: { NPU: '1' },
      }),
    },
  ];
}

/** The least and the most devices of a pod. */
function countsOf(nodeType: NodeType, { single }: Case): number[] {
  const counts = nodeType.podCounts(1) ?? [1, 5];
  return single === true ? [1] : [...new Set([counts[0]!, counts.at(-1)!])];
}

interface Sold { readonly accelerator: Accelerator; readonly nodeType: NodeType }

const SOLD: Sold[] = Accelerator.all().flatMap((accelerator) => NodeType.all().filter((nodeType) => nodeType.has(accelerator)).map((nodeType) => ({ accelerator, nodeType })));

/** Servers of one pod each, for the least and the most devices, in a chart of their own. */
function render({ accelerator, nodeType }: Sold, how: Case, counts: readonly number[], preset: EnvPreset): KubernetesObject[] {
  // All counts of a chart share one plugin, except where the plugin's configuration is made for a count.
  const chart = chartWith({ nodeTypes: [nodeType], scheduler: how.scheduler ?? Scheduler.DEFAULT, scriptDelivery: ScriptDelivery.image('example.com/scripts:1') });
  for (const devices of counts) {
    const props: InferenceDeploymentProps = {
      model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo(), accelerator, devices, devicePlugin: how.plugin(devices), skipMemoryCheck: true, presets: [preset],
      podLabels: { team: 'ml' }, env: {}, tolerations: [{ key: 'npu' }],
      ...(how.privileged === true && { security: SecurityLevel.VENDOR_DEFAULT }),
    };
    new InferenceDeployment(chart, `serve-${String(devices)}`, deepFreeze(props));
  }
  return synthesized(chart);
}

test('every chip of the catalogue is sold in a server, and every server is sold with a chip of the catalogue', () => {
  const sold = SOLD.map(({ accelerator }) => accelerator.name);
  const used = SOLD.map(({ nodeType }) => nodeType.name);

  expect(Accelerator.all().filter(({ name }) => !sold.includes(name))).toEqual([expect.objectContaining({ name: 'MLU590' })]);
  expect(NodeType.all().map(({ name }) => name).filter((name) => !used.includes(name))).toEqual([]);
});

test('names of chips and of servers are unique', () => {
  const names = [...Accelerator.all(), ...NodeType.all()].map(String);

  expect(new Set(names).size).toBe(names.length);
});

describe.each(SOLD.map((sold) => [`${sold.accelerator.name} in ${sold.nodeType.name}`, sold] as const))('%s', (_, sold) => {
  test.each(casesOf(sold.accelerator).map((how) => [how.title, how] as const))('%s', (_title, how) => {
    const counts = countsOf(sold.nodeType, how);
    const preset = EnvPreset.custom({ name: 'ours', variables: { OURS: { value: '$(HOME)', purpose: 'to be seen' } } });
    const before = JSON.stringify(preset.variables);

    const first = render(sold, how, counts, preset);
    const second = render(sold, how, counts, preset);

    const deployments = first.filter(({ kind }) => kind === 'Deployment');
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
    expect(JSON.stringify(preset.variables)).toBe(before);
    expect(first.flatMap(illegalNames)).toEqual([]);
    expect(deployments.map(devicesOf)).toEqual(counts.map((devices) => ({ requests: how.resources(devices), limits: how.resources(devices) })));
    expect(deployments.map((deployment) => podOf(deployment).container.securityContext?.privileged)).toEqual(counts.map(() => how.privileged));
  });
});
