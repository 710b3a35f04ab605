import { Accelerator } from '../accelerators/accelerator';
import { NodeType } from '../accelerators/node-type';
import { seriesOfResource } from './device-resources';
import type { ExaminedPod } from './examined-object';

/** MindCluster's annotation that names how devices are packed on a kind of server. */
export const SCHEDULE_POLICY = 'huawei.com/schedule_policy';
/** The label that a rank table's operator reads the chip generation from. */
export const RING_CONTROLLER = 'ring-controller.atlas';

/** Legal values (Ascend/mind-cluster@22bb3d98 15_yaml_configuration.md, constants.go); `module-a3-16` is an old one that is still accepted. */
export const SCHEDULE_POLICIES: readonly string[] = [
  'chip4-node8', 'chip1-node2', 'chip4-node4', 'chip8-node8', 'chip8-node16', 'chip2-node16', 'chip2-node16-sp', 'chip2-node8', 'chip2-node8-sp', 'chip4-node16',
  'chip1-node8', 'chip1-node16', 'chip8-node8-sp', 'chip8-node8-ra64-sp', 'chip1-softShareDev', 'multilevel', 'module-a3-16',
];

/** Chip generations by the value of `ring-controller.atlas`, and the resources that go with them (same source); A3 has the value of A2. */
export const RING_GENERATIONS: Readonly<Record<string, { readonly series: string; readonly resource: RegExp }>> = {
  'ascend-910': { series: '910A', resource: /^huawei\.com\/(Ascend910|ascend-1980)/ },
  'ascend-910b': { series: '910B', resource: /^huawei\.com\/(Ascend910|ascend-1980)/ },
  'ascend-310P': { series: '310P', resource: /^huawei\.com\/(Ascend310P|npu-core)/ },
  'ascend-310': { series: '310', resource: /^huawei\.com\/(Ascend310$|ascend-310)/ },
  'ascend-npu': { series: '950', resource: /^huawei\.com\/npu$/ },
};

/** What the node label `accelerator` says, and the resources that go with it (same source, 12_k8s.md). */
export const ACCELERATOR_LABELS: Readonly<Record<string, RegExp>> = {
  'huawei-Ascend910': /^huawei\.com\/(Ascend910|ascend-1980)/,
  'huawei-Ascend310P': /^huawei\.com\/(Ascend310P|npu-core)/,
  'huawei-Ascend310': /^huawei\.com\/(Ascend310$|ascend-310)/,
  'huawei-npu': /^huawei\.com\/npu$/,
};

/** The schedule policy of a pod: its own, else its workload's. */
export function schedulePolicyOf({ metadata, object }: ExaminedPod): string | undefined {
  return metadata.annotations?.[SCHEDULE_POLICY] ?? object.metadata.annotations?.[SCHEDULE_POLICY];
}

/** Server products that a pod can mean: those of its schedule policy, else those of its node label. The scheduler looks in this order (factory.go). */
export function productsOf(pod: ExaminedPod): NodeType[] {
  const policy = schedulePolicyOf(pod);
  const label = pod.spec.nodeSelector?.['accelerator-type'];
  const all = NODE_TYPES;
  return policy !== undefined ? all.filter(({ schedulePolicy }) => schedulePolicy === policy)
    : all.filter(({ acceleratorType }) => acceleratorType !== undefined && acceleratorType === label);
}

/** Products by one of the two ways to name them. */
export function productsBy(field: 'acceleratorType' | 'schedulePolicy', value: string): NodeType[] {
  return NODE_TYPES.filter((nodeType) => nodeType[field] === value);
}

/** The chip series that a pod runs on, as far as its manifest tells. */
export function seriesOf(pod: ExaminedPod): string | undefined {
  const [device] = pod.devices;
  if (device === undefined) {
    return undefined;
  }
  return seriesOfResource(device.resource) ?? seriesOfChipName(pod.spec.nodeSelector?.['node.kubernetes.io/npu.chip.name']) ?? seriesOfProducts(pod)
    ?? RING_GENERATIONS[pod.metadata.labels?.[RING_CONTROLLER] ?? '']?.series;
}

const NODE_TYPES = NodeType.all();
const DTYPES = new Map(Accelerator.all().map(({ series, dtypes }) => [series, dtypes.map(String)]));

/** Whether chips of a series compute in bfloat16; undefined where the series is not in the catalogue. */
export function hasBfloat16(series: string): boolean | undefined {
  return DTYPES.get(series)?.includes('bfloat16');
}

/** Values of `node.kubernetes.io/npu.chip.name` (12_k8s.md). */
function seriesOfChipName(name: string | undefined): string | undefined {
  return /^910(A|PremiumA|ProA|ProB)$/.test(name ?? '') ? '910A' : /^(910B|310P)\d?$/.exec(name ?? '')?.[1];
}

function seriesOfProducts(pod: ExaminedPod): string | undefined {
  const series = new Set(productsOf(pod).flatMap(({ accelerators }) => accelerators.map((chip) => chip.series)));
  return series.size === 1 ? [...series][0] : undefined;
}
