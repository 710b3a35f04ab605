import { Accelerator, Architecture, DevicePlugin, NodeType } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';

const ONE_TO = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const A3 = [1, 2, 4, 6, 8, 10, 12, 14, 16];

/** Node type, devices a node, legal counts of a lone pod, legal counts of each pod of a job over two nodes. */
const COUNTS: [NodeType, number | undefined, number[] | undefined, number[] | undefined][] = [
  [NodeType.ATLAS_800_9000, 8, [1, 2, 4, 8], [1, 2, 4, 8]],
  [NodeType.ATLAS_800_9010, 8, [1, 2, 4, 8], [1, 2, 4, 8]],
  [NodeType.ATLAS_800_HALF, 4, [1, 2, 4], [1, 2, 4]],
  [NodeType.ATLAS_300T_SERVER, 2, [1, 2], [2]],
  [NodeType.ATLAS_800T_A2, 8, ONE_TO(8), ONE_TO(8)],
  [NodeType.ATLAS_900_A2_POD, 8, ONE_TO(8), ONE_TO(8)],
  [NodeType.ATLAS_800I_A2, 8, ONE_TO(8), ONE_TO(8)],
  [NodeType.ATLAS_200T_A2_BOX16, 16, [...ONE_TO(8), 10, 12, 14, 16], [...ONE_TO(8), 10, 12, 14, 16]],
  [NodeType.ATLAS_900_A3_SUPERPOD, 16, A3, [16]],
  [NodeType.ATLAS_800T_A3, 16, A3, A3.slice(1)],
  [NodeType.ATLAS_800I_A3, 16, A3, A3.slice(1)],
  [NodeType.ATLAS_300I_DUO_SERVER, 8, ONE_TO(8), ONE_TO(8)],
  [NodeType.ATLAS_310P_CARD_SERVER, undefined, undefined, undefined],
  [NodeType.ATLAS_300I_SERVER, undefined, undefined, undefined],
  [NodeType.ATLAS_200I_SOC_A1, 1, [1], [1]],
  [NodeType.MLU370_S4_SERVER, undefined, undefined, undefined],
  [NodeType.MLU370_X4_SERVER, undefined, undefined, undefined],
  [NodeType.MLU370_X8_SERVER, 16, ONE_TO(16), ONE_TO(16)],
  [NodeType.SC7_HP75_SERVER, 3, ONE_TO(3), ONE_TO(3)],
  [NodeType.SC7_FP150_SERVER, 6, ONE_TO(6), ONE_TO(6)],
  [NodeType.SC7_224T_SERVER, 8, ONE_TO(8), ONE_TO(8)],
  [NodeType.SE7, 1, [1], [1]],
];

test.each(COUNTS)('%s has the devices and the legal counts of its documentation', (nodeType, devicesPerNode, alone, distributed) => {
  expect(nodeType.devicesPerNode).toBe(devicesPerNode);
  expect(nodeType.podCounts(1)).toEqual(alone);
  expect(nodeType.podCounts(2)).toEqual(distributed);
});

test('the table of counts has every product of the catalogue', () => {
  expect(COUNTS.map(([nodeType]) => nodeType)).toEqual(NodeType.all());
});

describe.each(COUNTS.filter(([, , counts]) => counts !== undefined))('%s', (nodeType) => {
  const [accelerator] = nodeType.accelerators;
  const plugin = DevicePlugin.custom({ name: 'ours', resourceName: 'example.com/npu', accelerators: nodeType.accelerators });

  test.each([1, 2])('takes its legal counts in a job over %i nodes and refuses the others', (nodes) => {
    const legal = nodeType.podCounts(nodes)!;

    for (const devices of ONE_TO(18)) {
      const ask = () => fragmentOf(plugin, { accelerator: accelerator!, nodeType, devices, nodes });
      const answer = legal.includes(devices) ? ask().devices : thrownBy(ask);
      const job = nodes > 1 ? ' in a job over 2 nodes' : '';
      expect(answer).toEqual(legal.includes(devices) ? { 'example.com/npu': devices }
        : `'devices' must be one of ${legal.join(', ')} for a pod on ${nodeType.name}${job}, got ${String(devices)}`);
    }
  });
});

test.each([0, -1, 1.5, Number.NaN])('%d devices are refused before any rule of a product', (devices) => {
  const plugin = DevicePlugin.mindCluster({ version: '26.0' });

  expect(thrownBy(() => fragmentOf(plugin, { accelerator: Accelerator.ASCEND_910B3, devices }))).toBe(`'devices' must be a whole number from 1, got ${String(devices)}`);
});

test('only the SoC products are bound to an architecture', () => {
  const bound = NodeType.all().filter(({ architecture }) => architecture !== undefined);

  expect(bound).toEqual([NodeType.ATLAS_200I_SOC_A1, NodeType.SE7]);
  expect(bound.map(({ architecture }) => architecture)).toEqual([Architecture.ARM64, Architecture.ARM64]);
});

test('a product has the chips it was given, by name', () => {
  expect(NodeType.ATLAS_800T_A2.has(Accelerator.ASCEND_910B3)).toBe(true);
  expect(NodeType.ATLAS_800T_A2.has(Accelerator.ASCEND_910B4)).toBe(false);
});

test('a product is not changed through what it was made from or gives away', () => {
  const [podCounts, nodeLabels, accelerators] = [[1, 2], { rack: 'a' }, [Accelerator.ASCEND_910A]];
  const nodeType = NodeType.custom({ name: 'ours', accelerators, devicesPerNode: 4, podCounts, nodeLabels });

  podCounts.push(3);
  nodeLabels.rack = 'b';
  accelerators.push(Accelerator.BM1684X);
  nodeType.podCounts(1)!.push(4);
  nodeType.nodeLabels.rack = 'c';
  nodeType.accelerators.push(Accelerator.MLU590);

  expect(nodeType.podCounts(1)).toEqual([1, 2]);
  expect(nodeType.nodeLabels).toEqual({ rack: 'a' });
  expect(nodeType.accelerators).toEqual([Accelerator.ASCEND_910A]);
});

const OURS = { name: 'ours', accelerators: [Accelerator.ASCEND_910A] };

test.each([
  [{ ...OURS, name: '' }, 'a node type needs a \'name\' and at least one of \'accelerators\', got \'\' and 1 accelerators'],
  [{ ...OURS, accelerators: [] }, 'a node type needs a \'name\' and at least one of \'accelerators\', got \'ours\' and 0 accelerators'],
  [{ ...OURS, devicesPerNode: 0 }, '\'devicesPerNode\' of node type \'ours\' must be a whole number from 1, got 0'],
  [{ ...OURS, devicesPerNode: 8, podCounts: [] }, '\'podCounts\' of node type \'ours\' must be whole numbers from 1 to 8, got none'],
  [{ ...OURS, devicesPerNode: 8, podCounts: [8, 16] }, '\'podCounts\' of node type \'ours\' must be whole numbers from 1 to 8, got 16'],
  [{ ...OURS, distributedPodCounts: [0.5] }, '\'distributedPodCounts\' of node type \'ours\' must be whole numbers from 1, got 0.5'],
])('a product of your own that cannot be is refused: %#', (props, message) => {
  expect(thrownBy(() => NodeType.custom(props))).toBe(message);
});
