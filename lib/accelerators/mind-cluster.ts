import type { PodFragment } from '../pods/pod-fragment';
import type { Accelerator } from './accelerator';
import { checkCount, checkSingle, type DeviceDialect, type DeviceRequest } from './device-dialect';
import { type HostPath, hostPathMounts } from './host-path';
import { nodeAffinity, nodeSelector } from './mind-cluster-nodes';
import { checkOwner, placedOneByOne } from './mind-cluster-owner';
import { MindClusterVersion } from './mind-cluster-version';
import { virtualDeviceBytes, virtualDeviceResource } from './mind-cluster-virtual-device';
import type { NodeType } from './node-type';

/** Options of `DevicePlugin.mindCluster`. */
export interface MindClusterOptions {
  /** The MindCluster release that runs in the cluster, e.g. `7.2.RC1`, `26.0` or `26.1.0`: node labels and annotations follow from it. */
  readonly version: string;

  /**
   * Whether Ascend Docker Runtime is the container runtime of the nodes: it mounts the driver by itself.
   * Without it the pod mounts the driver, dcmi, npu-smi and the version file from the node.
   *
   * @default true
   */
  readonly dockerRuntime?: boolean;

  /**
   * Whether the plugin runs with `-use310PMixedInsert=true`, so that each kind of 310P card has a resource name of its own.
   * This mode knows neither Volcano nor virtual devices nor Ascend Docker Runtime.
   *
   * @default false
   */
  readonly mixedInsert?: boolean;

  /**
   * The `npu-smi` template of a static virtual device, e.g. `vir04_3c`; a pod then gets exactly one such slice.
   *
   * @default - whole devices
   */
  readonly virtualDevice?: string;
}

/** What a chip generation is called in MindCluster. */
interface Generation {
  readonly resource: string;
  /** Value of the node label `accelerator`. */
  readonly nodeLabel: string;
  /** Value of the label `ring-controller.atlas`; the A3 generation keeps the name of A2. */
  readonly ringController: string;
}

/** Ascend/mind-cluster@22bb3d98 component/ascend-common/api/default_name.go and docs/zh/scheduling/06_api/15_yaml_configuration.md. */
const GENERATIONS: Readonly<Record<string, Generation>> = {
  '910A': { resource: 'huawei.com/Ascend910', nodeLabel: 'huawei-Ascend910', ringController: 'ascend-910' },
  '910B': { resource: 'huawei.com/Ascend910', nodeLabel: 'huawei-Ascend910', ringController: 'ascend-910b' },
  '910C': { resource: 'huawei.com/Ascend910', nodeLabel: 'huawei-Ascend910', ringController: 'ascend-910b' },
  '310P': { resource: 'huawei.com/Ascend310P', nodeLabel: 'huawei-Ascend310P', ringController: 'ascend-310P' },
  '310': { resource: 'huawei.com/Ascend310', nodeLabel: 'huawei-Ascend310', ringController: 'ascend-310' },
  950: { resource: 'huawei.com/npu', nodeLabel: 'huawei-npu', ringController: 'ascend-npu' },
};

/** Resource names of mixed-insert mode by card (04_ascend_device_plugin.md); the 300I Duo has none. */
const MIXED_INSERT: Readonly<Record<string, string>> = {
  '300V': 'huawei.com/Ascend310P-V', '300V Pro': 'huawei.com/Ascend310P-VPro', '300I Pro': 'huawei.com/Ascend310P-IPro',
};

/** What Ascend Docker Runtime would have mounted, and the version file (vllm-project/vllm-ascend@182b75ea docs/source/installation.md). */
const DRIVER_PATHS = [
  { path: '/usr/local/Ascend/driver', type: 'Directory' },
  { path: '/usr/local/dcmi', type: 'Directory' },
  { path: '/usr/local/bin/npu-smi', type: 'File' },
  { path: '/etc/ascend_install.info', type: 'File' },
];

/** What a pod on an Atlas 200I SoC A1 needs of its node (Ascend/mindcluster-deploy@7d97fe34 samples/inference/volcano/infer-deploy-310p-1usoc.yaml). */
const SOC_PATHS = [
  { path: '/usr/local/Ascend/driver' }, { path: '/etc/slog.conf' }, { path: '/var/dmp_daemon', readOnly: false }, { path: '/var/slogd', readOnly: false },
  { path: '/etc/hdcBasic.cfg' }, { path: '/etc/sys_version.conf' }, { path: '/usr/lib64/aicpu_kernels' },
];

/**
 * The operator of 6.x ends with a panic on a ConfigMap without data (Ascend/mind-cluster branch_v6.0.0 component/ascend-operator/pkg/controllers/v1/
 * ascendjob_controller.go, writeRanktableToCm); this is what the vendor's samples have in it.
 */
const INITIAL_TABLE = { 'hccl.json': '{"status":"initializing"}' };

/** The official Ascend device plugin of MindCluster (formerly MindX DL). */
export function mindCluster(options: MindClusterOptions): DeviceDialect {
  const version = MindClusterVersion.parse(options.version);
  if (options.mixedInsert === true && options.virtualDevice !== undefined) {
    throw new Error(`'virtualDevice' is '${options.virtualDevice}' but 'mixedInsert' is on: the plugin offers no virtual devices in mixed-insert mode`);
  }
  return {
    name: `MindCluster ${options.version}`,
    fillsRankTables: true,
    rankTableData: version.atLeast(7, 0) ? undefined : INITIAL_TABLE,
    sliceBytes: (accelerator) => options.virtualDevice === undefined ? undefined : virtualDeviceBytes(accelerator, options.virtualDevice),
    names: ({ series, card }) => Object.hasOwn(GENERATIONS, series) && (options.mixedInsert !== true || Object.hasOwn(MIXED_INSERT, card ?? '')),
    toFragment: (request) => fragment(request, version, options),
  };
}

function fragment(request: DeviceRequest, version: MindClusterVersion, options: MindClusterOptions): Omit<PodFragment, 'source'> {
  const { accelerator, nodeType, scheduler } = request;
  const generation = GENERATIONS[accelerator.series]!;
  checkRequest(request, version, options);
  const resource = resourceName(accelerator, generation, options);
  const ring = { 'ring-controller.atlas': generation.ringController };
  const policy = { ...schedulePolicy(version, nodeType), ...superPodBlock(request) };
  const paths = hostPaths(accelerator, options);
  const wholeDevices = options.virtualDevice === undefined;
  return {
    devices: { [resource]: request.devices },
    nodeSelector: nodeSelector(request, generation.nodeLabel, version),
    labels: { ...ring, ...(accelerator.series === '310P' || accelerator.series === '310' ? strategyLabels(request) : {}) },
    objectLabels: ring,
    annotations: { ...policy, ...placedOneByOne(request, version) },
    objectAnnotations: policy,
    env: scheduler.isVolcano && wholeDevices ? [visibleDevices(resource)] : [],
    ...(paths.length > 0 && hostPathMounts(paths)),
    ...nodeAffinity(request, version),
  };
}

function checkRequest(request: DeviceRequest, version: MindClusterVersion, options: MindClusterOptions): void {
  const { accelerator, nodeType, scheduler } = request;
  if (options.virtualDevice !== undefined) {
    checkSingle(request, `virtual device '${options.virtualDevice}'`, 'a pod gets exactly one slice; use whole devices for more');
  } else {
    checkCount(request);
    checkOwner(request);
  }
  if (accelerator.series === '950' && !version.atLeast(26, 0)) {
    throw new Error(`${accelerator.name} is known to MindCluster from 26.0 on, got version ${options.version}`);
  }
  if (options.mixedInsert === true && scheduler.isVolcano) {
    throw new Error('the device plugin\'s mixed-insert mode does not work with Volcano; use Scheduler.DEFAULT for these nodes');
  }
  if (scheduler.isVolcano && nodeType === undefined) {
    throw new Error(`'nodeType' is needed for ${accelerator.name} with Volcano: without it MindCluster schedules by the rules of the 910A; `
      + 'name the server product in the platform\'s \'nodeTypes\' or in the workload\'s \'nodeType\'');
  }
}

function resourceName(accelerator: Accelerator, generation: Generation, options: MindClusterOptions): string {
  if (options.virtualDevice !== undefined) {
    return virtualDeviceResource(accelerator, options.virtualDevice);
  }
  return options.mixedInsert === true ? MIXED_INSERT[accelerator.card ?? '']! : generation.resource;
}

function hostPaths({ card }: Accelerator, { dockerRuntime, mixedInsert }: MindClusterOptions): HostPath[] {
  if (card === '200I SoC') {
    return SOC_PATHS;
  }
  return dockerRuntime === false || mixedInsert === true ? DRIVER_PATHS : [];
}

function schedulePolicy(version: MindClusterVersion, nodeType?: NodeType): Record<string, string> {
  return version.atLeast(7, 3) && nodeType?.schedulePolicy !== undefined ? { 'huawei.com/schedule_policy': nodeType.schedulePolicy } : {};
}

/** Nodes of a super pod as MindCluster's Volcano is shipped (`super-pod-size` in its manifests); it refuses larger blocks (superpod/frame.go, checkSpBlock). */
const SUPER_POD_NODES = 48;

/**
 * In a super pod the scheduler wants the size of the logical one (15_yaml_configuration.md, `sp-block`): all devices of the job, or of its largest even part
 * that a super pod has room for. The parts may then be placed in different super pods.
 */
function superPodBlock({ nodeType, devices, nodes }: DeviceRequest): Record<string, string> {
  if (nodeType?.schedulePolicy?.endsWith('-sp') !== true) {
    return {};
  }
  let part = Math.min(nodes, SUPER_POD_NODES);
  while (nodes % part !== 0) {
    part -= 1;
  }
  return { 'sp-block': String(devices * part) };
}

/**
 * On cards with several chips the scheduler packs by card up to the chips of one card: two on a 300I Duo, four on a 300I
 * (03_ascend_ai_processor_based_affinity.md).
 */
function strategyLabels({ accelerator, devices }: DeviceRequest): Record<string, string> {
  const chipsPerCard = accelerator.series === '310' ? 4 : 2;
  return {
    'npu-310-strategy': devices <= chipsPerCard ? 'card' : 'chip',
    ...(accelerator.card === '300I Duo' && { duo: 'true' }),
  };
}

/** With Volcano the scheduler picks the devices and writes them into an annotation named like the resource; without it there is none, and an empty value would mean no device. */
function visibleDevices(resource: string): { name: string; valueFrom: { fieldRef: { fieldPath: string } } } {
  return { name: 'ASCEND_VISIBLE_DEVICES', valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${resource}']` } } };
}
