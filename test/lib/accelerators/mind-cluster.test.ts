import { Accelerator, DevicePlugin, Dtype, type MindClusterOptions, NodeType, Scheduler, Vendor } from 'cdk8s-chatglm';

import { type FragmentRequest, fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const VOLCANO = Scheduler.volcano();

function ask(request: FragmentRequest, options: MindClusterOptions = { version: '26.0' }) {
  return fragmentOf(DevicePlugin.mindCluster(options), request);
}

const A950 = Accelerator.custom({ name: 'Ascend950PR', vendor: Vendor.HUAWEI, series: '950', dtypes: [Dtype.FLOAT16] });

test.each([
  [Accelerator.ASCEND_910A, 'huawei.com/Ascend910', 'ascend-910', 'huawei-Ascend910'],
  [Accelerator.ASCEND_910B3, 'huawei.com/Ascend910', 'ascend-910b', 'huawei-Ascend910'],
  [Accelerator.ASCEND_910C, 'huawei.com/Ascend910', 'ascend-910b', 'huawei-Ascend910'],
  [Accelerator.ASCEND_310P_300I_PRO, 'huawei.com/Ascend310P', 'ascend-310P', 'huawei-Ascend310P'],
  [Accelerator.ASCEND_310, 'huawei.com/Ascend310', 'ascend-310', 'huawei-Ascend310'],
  [A950, 'huawei.com/npu', 'ascend-npu', 'huawei-npu'],
])('%s has the resource, the ring controller and the node label of its generation', (accelerator, resource, ring, label) => {
  const fragment = ask({ accelerator });

  expect(fragment.devices).toEqual({ [resource]: 1 });
  expect(fragment.labels).toMatchObject({ 'ring-controller.atlas': ring });
  expect(fragment.objectLabels).toEqual({ 'ring-controller.atlas': ring });
  expect(fragment.nodeSelector).toMatchObject({ accelerator: label });
});

/** Server, chip, the labels that administrators set up to 26.0, and the schedule policy from 7.3 on. */
const PRODUCTS: [NodeType, Accelerator, Record<string, string>, string | undefined][] = [
  [NodeType.ATLAS_800_9000, Accelerator.ASCEND_910A, { 'accelerator-type': 'module' }, 'chip4-node8'],
  [NodeType.ATLAS_800_9010, Accelerator.ASCEND_910A, { 'accelerator-type': 'module' }, 'chip4-node8'],
  [NodeType.ATLAS_800_HALF, Accelerator.ASCEND_910A, { 'accelerator-type': 'half' }, 'chip4-node4'],
  [NodeType.ATLAS_300T_SERVER, Accelerator.ASCEND_910A, { 'accelerator-type': 'card' }, 'chip1-node2'],
  [NodeType.ATLAS_800T_A2, Accelerator.ASCEND_910B1, { 'accelerator-type': 'module-910b-8' }, 'chip8-node8'],
  [NodeType.ATLAS_900_A2_POD, Accelerator.ASCEND_910B2, { 'accelerator-type': 'module-910b-8' }, 'chip8-node8'],
  [NodeType.ATLAS_800I_A2, Accelerator.ASCEND_910B4, { 'accelerator-type': 'module-910b-8', 'server-usage': 'infer' }, 'chip8-node8'],
  [NodeType.ATLAS_200T_A2_BOX16, Accelerator.ASCEND_910B3, { 'accelerator-type': 'module-910b-16' }, 'chip8-node16'],
  [NodeType.ATLAS_900_A3_SUPERPOD, Accelerator.ASCEND_910C, { 'accelerator-type': 'module-a3-16-super-pod' }, 'chip2-node16-sp'],
  [NodeType.ATLAS_800T_A3, Accelerator.ASCEND_910C, { 'accelerator-type': 'module-a3-16' }, 'chip2-node16'],
  [NodeType.ATLAS_800I_A3, Accelerator.ASCEND_910C, { 'accelerator-type': 'module-a3-16', 'server-usage': 'infer' }, 'chip2-node16'],
  [NodeType.ATLAS_300I_DUO_SERVER, Accelerator.ASCEND_310P_300I_DUO_96G, {}, undefined],
  [NodeType.ATLAS_310P_CARD_SERVER, Accelerator.ASCEND_310P_300V, {}, undefined],
  [NodeType.ATLAS_300I_SERVER, Accelerator.ASCEND_310, {}, undefined],
  [NodeType.ATLAS_200I_SOC_A1, Accelerator.ASCEND_310P_200I_SOC, { servertype: 'soc' }, undefined],
];

describe.each(PRODUCTS)('%s with %s', (nodeType, accelerator, labels, policy) => {
  const generation = `huawei-Ascend${accelerator.series.startsWith('910') ? '910' : accelerator.series}`;

  test.each(['6.0.0', '7.2.RC1', '7.3.0', '26.0'])('is selected by the labels of its product under MindCluster %s', (version) => {
    expect(ask({ accelerator, nodeType }, { version }).nodeSelector).toEqual({ accelerator: generation, ...labels });
  });

  test('has no schedule policy under MindCluster 7.2', () => {
    const { annotations, objectAnnotations } = ask({ accelerator, nodeType }, { version: '7.2.RC1' });

    expect(annotations).not.toHaveProperty(['huawei.com/schedule_policy']);
    expect(objectAnnotations).toEqual(annotations);
  });

  test.each(['7.3.0', '26.0', '26.1.0', 'v27.0'])('has its schedule policy on pod and object under MindCluster %s', (version) => {
    const { annotations, objectAnnotations } = ask({ accelerator, nodeType }, { version });

    expect(annotations?.['huawei.com/schedule_policy']).toBe(policy);
    expect(objectAnnotations).toEqual(annotations);
  });

  test('is not selected by the labels of its product any more under MindCluster 26.1', () => {
    const { nodeSelector } = ask({ accelerator, nodeType }, { version: '26.1.0' });

    expect(Object.keys(nodeSelector ?? {})).not.toContain('accelerator-type');
    expect(Object.keys(nodeSelector ?? {})).not.toContain('server-usage');
  });
});

describe('a super pod', () => {
  const request = { accelerator: Accelerator.ASCEND_910C, nodeType: NodeType.ATLAS_900_A3_SUPERPOD };

  test.each([[1, 1, '1'], [8, 1, '8'], [16, 1, '16'], [16, 4, '64']])('has the size of the whole job as its block: %i devices on each of %i nodes', (devices, nodes, block) => {
    const { annotations, objectAnnotations } = ask({ ...request, devices, nodes });

    expect(annotations).toEqual({ 'huawei.com/schedule_policy': 'chip2-node16-sp', 'sp-block': block });
    expect(objectAnnotations).toEqual(annotations);
  });

  test('has it before there were schedule policies, too', () => {
    expect(ask({ ...request, devices: 16 }, { version: '7.2.RC1' }).annotations).toEqual({ 'sp-block': '16' });
  });

  test.each([[48, 768], [49, 112], [50, 400], [96, 768], [97, 16], [100, 400]])('of %i nodes has a block of %i devices: its largest part of at most 48 nodes, more than that the scheduler refuses', (nodes, devices) => {
    const { annotations } = ask({ ...request, devices: 16, nodes });

    expect(annotations?.['sp-block']).toBe(String(devices));
    expect(16 * nodes % devices).toBe(0);
  });

  test('is the only product that has one', () => {
    const others = PRODUCTS.filter(([nodeType]) => nodeType !== NodeType.ATLAS_900_A3_SUPERPOD).map(([nodeType, accelerator]) => ask({ accelerator, nodeType }).annotations ?? {});

    expect(others.filter((annotations) => 'sp-block' in annotations)).toEqual([]);
  });
});

test.each([
  [Accelerator.ASCEND_910B1, undefined, { accelerator: 'huawei-Ascend910', 'node.kubernetes.io/npu.chip.name': '910B1' }],
  [Accelerator.ASCEND_910B4, undefined, { accelerator: 'huawei-Ascend910', 'node.kubernetes.io/npu.chip.name': '910B4' }],
  [Accelerator.ASCEND_910B4_1, undefined, { accelerator: 'huawei-Ascend910', 'node.kubernetes.io/npu.chip.name': '910B4-1' }],
  [Accelerator.ASCEND_910A, undefined, { accelerator: 'huawei-Ascend910' }],
  [Accelerator.ASCEND_910C, undefined, { accelerator: 'huawei-Ascend910' }],
  [Accelerator.ASCEND_310P_300I_DUO_48G, undefined, { accelerator: 'huawei-Ascend310P', 'infer-card-type': 'card-300i-duo' }],
  [Accelerator.ASCEND_310P_300I_PRO, undefined, { accelerator: 'huawei-Ascend310P' }],
  [Accelerator.ASCEND_310P_200I_SOC, NodeType.ATLAS_200I_SOC_A1, { accelerator: 'huawei-Ascend310P', servertype: 'soc' }],
])('%s is selected by the labels that the plugin writes from 26.1 on', (accelerator, nodeType, expected) => {
  const request = nodeType === undefined ? { accelerator } : { accelerator, nodeType };

  expect(ask(request, { version: '26.1.0' }).nodeSelector).toEqual(expected);
});

const LABEL_OF_SERVER = NodeType.custom({ name: 'labelled by hand', accelerators: [Accelerator.ASCEND_910C], nodeLabels: { servertype: 'a3-of-ours' } });

test.each([
  ['a 910A, which has one of several names', Accelerator.ASCEND_910A, undefined, { key: 'node.kubernetes.io/npu.chip.name', operator: 'In', values: ['910A', '910PremiumA', '910ProA', '910ProB'] }],
  ['a 910C, whose chip name does not tell it from others', Accelerator.ASCEND_910C, undefined, { key: 'servertype', operator: 'In', values: ['Ascend910A3-20', 'Ascend910A3-24'] }],
  ['a 910C where an administrator set the label, which the plugin then leaves', Accelerator.ASCEND_910C, LABEL_OF_SERVER, undefined],
  ['a 910B, which its name tells', Accelerator.ASCEND_910B3, undefined, undefined],
])('%s, is found from 26.1 on', (_, accelerator, nodeType, expression) => {
  const { affinity } = ask({ accelerator, ...(nodeType && { nodeType }) }, { version: '26.1.0' });

  expect(affinity).toEqual(expression && { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } } });
  expect(ask({ accelerator }, { version: '26.0' }).affinity).toBeUndefined();
});

test('every 910 of the catalogue selects its chip from 26.1 on', () => {
  const unselected = Accelerator.all().filter(({ series }) => series.startsWith('910')).filter((accelerator) => {
    const { affinity, nodeSelector } = ask({ accelerator }, { version: '26.1.0' });
    return affinity === undefined && Object.keys(nodeSelector ?? {}).length === 1;
  });

  expect(unselected.map(String)).toEqual([]);
});

describe('cards with several chips', () => {
  test.each([[1, 'card'], [2, 'card'], [3, 'chip'], [4, 'chip'], [8, 'chip']])('%i chips of a 300I Duo are packed by %s', (devices, strategy) => {
    const { labels, objectLabels } = ask({ accelerator: Accelerator.ASCEND_310P_300I_DUO_48G, nodeType: NodeType.ATLAS_300I_DUO_SERVER, devices });

    expect(labels).toEqual({ 'ring-controller.atlas': 'ascend-310P', 'npu-310-strategy': strategy, duo: 'true' });
    expect(objectLabels).toEqual({ 'ring-controller.atlas': 'ascend-310P' });
  });

  test.each([[1, 'card'], [4, 'card'], [5, 'chip'], [32, 'chip']])('%i chips of 300I cards are packed by %s', (devices, strategy) => {
    const { labels } = ask({ accelerator: Accelerator.ASCEND_310, nodeType: NodeType.ATLAS_300I_SERVER, devices });

    expect(labels).toEqual({ 'ring-controller.atlas': 'ascend-310', 'npu-310-strategy': strategy });
  });

  test('other 310P cards are no Duo', () => {
    const { labels } = ask({ accelerator: Accelerator.ASCEND_310P_300V_PRO_48G });

    expect(labels).toEqual({ 'ring-controller.atlas': 'ascend-310P', 'npu-310-strategy': 'card' });
  });

  test('910 chips have no strategy', () => {
    expect(ask({ accelerator: Accelerator.ASCEND_910B3 }).labels).toEqual({ 'ring-controller.atlas': 'ascend-910b' });
  });
});

describe('ASCEND_VISIBLE_DEVICES', () => {
  test.each([
    [Accelerator.ASCEND_910B3, NodeType.ATLAS_800T_A2, 'huawei.com/Ascend910'],
    [Accelerator.ASCEND_310P_300I_DUO_96G, NodeType.ATLAS_300I_DUO_SERVER, 'huawei.com/Ascend310P'],
    [Accelerator.ASCEND_310, NodeType.ATLAS_300I_SERVER, 'huawei.com/Ascend310'],
  ])('of %s comes from the annotation of its resource with Volcano', (accelerator, nodeType, resource) => {
    const { env } = ask({ accelerator, nodeType, scheduler: VOLCANO });

    expect(env).toEqual([{ name: 'ASCEND_VISIBLE_DEVICES', valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${resource}']` } } }]);
  });

  test.each([Scheduler.DEFAULT, Scheduler.kueue({ queue: 'llm' })])('is not set without Volcano, where it would be empty and mean no device: $name', (scheduler) => {
    expect(ask({ accelerator: Accelerator.ASCEND_910B3, nodeType: NodeType.ATLAS_800T_A2, scheduler }).env).toEqual([]);
  });

  test('is not set for a virtual device, which has no such annotation', () => {
    const { env } = ask({ accelerator: Accelerator.ASCEND_910B3, nodeType: NodeType.ATLAS_800T_A2, scheduler: VOLCANO }, { version: '26.0', virtualDevice: 'vir05_1c_16g' });

    expect(env).toEqual([]);
  });
});

describe('the driver', () => {
  const MOUNTS = [
    { mountPath: '/usr/local/Ascend/driver', readOnly: true }, { mountPath: '/usr/local/dcmi', readOnly: true },
    { mountPath: '/usr/local/bin/npu-smi', readOnly: true }, { mountPath: '/etc/ascend_install.info', readOnly: true },
  ];

  test('is mounted by Ascend Docker Runtime, so the pod mounts nothing', () => {
    const { mounts, volumes } = ask({ accelerator: Accelerator.ASCEND_910B3 });

    expect({ mounts, volumes }).toEqual({ mounts: undefined, volumes: undefined });
  });

  test.each([
    ['without Ascend Docker Runtime', Accelerator.ASCEND_910B3, { version: '26.0', dockerRuntime: false }],
    ['in mixed-insert mode, which switches it off', Accelerator.ASCEND_310P_300I_PRO, { version: '26.0', mixedInsert: true }],
  ])('is mounted by the pod %s, without any device node', (_, accelerator, options) => {
    const { mounts = [], volumes = [] } = ask({ accelerator }, options);

    expect(mounts.map(({ name: _name, ...mount }) => mount)).toEqual(MOUNTS);
    expect(volumes.map(({ hostPath }) => hostPath)).toEqual([
      { path: '/usr/local/Ascend/driver', type: 'Directory' }, { path: '/usr/local/dcmi', type: 'Directory' },
      { path: '/usr/local/bin/npu-smi', type: 'File' }, { path: '/etc/ascend_install.info', type: 'File' },
    ]);
    expect(volumes.map(({ name }) => name)).toEqual(mounts.map(({ name }) => name));
  });

  test('needs neither privileges nor a runtime class', () => {
    const { securityContext, runtimeClassName } = ask({ accelerator: Accelerator.ASCEND_910B3 }, { version: '26.0', dockerRuntime: false });

    expect({ securityContext, runtimeClassName }).toEqual({ securityContext: undefined, runtimeClassName: undefined });
  });
});

describe('mixed-insert mode', () => {
  const mixed = DevicePlugin.mindCluster({ version: '26.0', mixedInsert: true });

  test.each([
    [Accelerator.ASCEND_310P_300V, 'huawei.com/Ascend310P-V'], [Accelerator.ASCEND_310P_300V_PRO_24G, 'huawei.com/Ascend310P-VPro'],
    [Accelerator.ASCEND_310P_300V_PRO_48G, 'huawei.com/Ascend310P-VPro'], [Accelerator.ASCEND_310P_300I_PRO, 'huawei.com/Ascend310P-IPro'],
  ])('names %s by its card', (accelerator, resource) => {
    expect(fragmentOf(mixed, { accelerator, devices: 2 }).devices).toEqual({ [resource]: 2 });
  });

  test('names these cards only', () => {
    expect(Accelerator.all().filter((accelerator) => mixed.names(accelerator)).map(({ card }) => card)).toEqual(['300I Pro', '300V', '300V Pro', '300V Pro']);
  });

  test('does not go with Volcano', () => {
    const body = () => fragmentOf(mixed, { accelerator: Accelerator.ASCEND_310P_300V, nodeType: NodeType.ATLAS_310P_CARD_SERVER, scheduler: VOLCANO });

    expect(thrownBy(body)).toBe('the device plugin\'s mixed-insert mode does not work with Volcano; use Scheduler.DEFAULT for these nodes');
  });

  test('does not go with virtual devices', () => {
    expect(thrownBy(() => DevicePlugin.mindCluster({ version: '26.0', mixedInsert: true, virtualDevice: 'vir04' }))).toBe(
      '\'virtualDevice\' is \'vir04\' but \'mixedInsert\' is on: the plugin offers no virtual devices in mixed-insert mode',
    );
  });
});

test('Volcano needs to know the server, because MindCluster would take it for one with 910A', () => {
  expect(thrownBy(() => ask({ accelerator: Accelerator.ASCEND_910B3, scheduler: VOLCANO }))).toBe(
    '\'nodeType\' is needed for Ascend910B3 with Volcano: without it MindCluster schedules by the rules of the 910A; '
    + 'name the server product in the platform\'s \'nodeTypes\' or in the workload\'s \'nodeType\'',
  );
});

test('a chip of another vendor is refused', () => {
  expect(thrownBy(() => ask({ accelerator: Accelerator.MLU370_X8 }))).toBe(
    'device plugin \'MindCluster 26.0\' has no resource for MLU370-X8: name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\'',
  );
});

test.each(['', '26', 'latest', '4.9', '5', '26.0-rc1', '26.x'])('\'%s\' is no release of MindCluster', (version) => {
  expect(thrownBy(() => DevicePlugin.mindCluster({ version }))).toBe(
    `'version' of MindCluster must be a release from 6.0 on, like '7.2.RC1', '26.0' or '26.1.0', got '${version}'`,
  );
});

test('5.0 is refused with the reason', () => {
  expect(thrownBy(() => DevicePlugin.mindCluster({ version: '5.0.1' }))).toBe(
    '\'version\' of MindCluster must be a release from 6.0 on, like \'7.2.RC1\', \'26.0\' or \'26.1.0\', got \'5.0.1\': its scheduler refuses each job on 910B that selects no host-arch, '
    + 'and its hccl-controller fills no rank table; upgrade MindCluster',
  );
});
