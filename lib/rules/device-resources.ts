import type { V1Container } from '@kubernetes/client-node';

import { Accelerator } from '../accelerators/accelerator';

/** A request of one extended resource of a vendor. */
export interface DeviceRequest {
  readonly resource: string;
  /** As written. */
  readonly quantity: number | string;
  /** As a number; NaN if it is none. */
  readonly count: number;
}

/** Domains of the vendors' device resources, and of the device plugins that serve Sophgo. */
const DEVICE_RESOURCE = /^(huawei\.com|cambricon\.com|squat\.ai|smarter-devices)\//;
/** Slices come as a trio: a device, its memory and its cores. */
const SLICE_PART = /^huawei\.com\/Ascend.*-(memory|core)$|\.smlu\.v(core|memory)$/;

/** Names of whole devices in MindCluster (Ascend/mind-cluster@22bb3d98 component/ascend-common/api/default_name.go). */
export const WHOLE_ASCEND = /^huawei\.com\/(Ascend910|Ascend310P|Ascend310|npu)$/;
/** Static virtual devices, e.g. `huawei.com/Ascend310P-2c.1cpu` (same repository, 02_mounting_vnpu_static.md). */
export const VIRTUAL_ASCEND = /^huawei\.com\/Ascend(910|310P)-\d+c(\.|$)/;
/** Cards of mixed-insert mode (same repository, 04_ascend_device_plugin.md). */
export const MIXED_INSERT = /^huawei\.com\/Ascend310P-(V|VPro|IPro)$/;
/** Dynamic virtual devices count AI cores (Ascend/mindcluster-deploy@7d97fe34 samples/inference/volcano/infer-deploy-dynamic.yaml). */
export const DYNAMIC_ASCEND = 'huawei.com/npu-core';

const HAMI_NAMES = new Set(Accelerator.all().flatMap(({ hamiName }) => hamiName === undefined ? [] : [`huawei.com/${hamiName}`]));

/** Every vendor resource among quantities. */
export function deviceRequests(quantities: object | undefined): DeviceRequest[] {
  return Object.entries((quantities ?? {}) as Record<string, number | string>)
    .filter(([resource]) => DEVICE_RESOURCE.test(resource))
    .map(([resource, quantity]) => ({ resource, quantity, count: Number(quantity) }));
}

/** The devices that a container asks for, without the memory and the cores of slices. */
export function devicesOf({ resources }: V1Container): DeviceRequest[] {
  return deviceRequests({ ...resources?.requests, ...resources?.limits }).filter(({ resource }) => !SLICE_PART.test(resource));
}

/** Whether a resource is the memory or the cores of a slice. */
export function isSlicePart(resource: string): boolean {
  return SLICE_PART.test(resource);
}

/** Whether only HAMi hands out a resource; `huawei.com/Ascend310P` is MindCluster's name as well. */
export function isHamiOnly(resource: string): boolean {
  return HAMI_NAMES.has(resource) && !WHOLE_ASCEND.test(resource);
}

/** The largest slices of HAMi in MiB; a pod that asks for more gets a whole device (Project-HAMi/HAMi@4707fb02 charts/hami/templates/scheduler/device-configmap.yaml). */
const LARGEST_SLICES: Readonly<Record<string, number>> = { 'huawei.com/Ascend910A': 17476, 'huawei.com/Ascend910B4': 16384, 'huawei.com/Ascend310P': 12288 };
const LARGEST_SLICE = 32768;

/** Whether so much memory of HAMi's resource is a part of a device. */
export function isPartOfDevice(resource: string, memory: number | string | undefined): boolean {
  return memory !== undefined && resource.startsWith('huawei.com/') && !(Number(memory) > (LARGEST_SLICES[resource] ?? LARGEST_SLICE));
}

/** Whether MindCluster hands out a resource, and its scheduler and operator count it. */
export function isOfMindCluster(resource: string): boolean {
  return resource.startsWith('huawei.com/') && !SLICE_PART.test(resource) && !isHamiOnly(resource);
}

/** Whether some device plugin hands out a resource of this name. */
export function isKnown(resource: string): boolean {
  const device = resource.replace(/-(memory|core)$/, '');
  return WHOLE_ASCEND.test(resource) || VIRTUAL_ASCEND.test(resource) || MIXED_INSERT.test(resource) || resource === DYNAMIC_ASCEND
    || HAMI_NAMES.has(device) || /^huawei\.com\/ascend-(310|1980)$/.test(resource)
    || /^cambricon\.com\/(vmlu|real-mlu-counts|mlu(\d+(-x5k)?)?(\.share|\.mim-[a-z0-9.-]+|\.smlu\.v(core|memory))?)$/.test(resource)
    || /^(squat\.ai|smarter-devices)\//.test(resource);
}

/** Names that say the chip themselves, without their domain. `Ascend910` stands for several generations. */
const SAYING_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^Ascend310P/, '310P'], [/^(A|a)scend-?310$/, '310'], [/^npu$/, '950'], [/bm1684x/i, 'BM1684X'], [/^mlu370/, 'MLU370'], [/^mlu590/, 'MLU590'],
];

/** The chip series of a HAMi name or of a name that says it itself; undefined where it stands for several. */
export function seriesOfResource(resource: string): string | undefined {
  const bare = resource.replace(/^[^/]*\//, '');
  const ofHami = isHamiOnly(resource) ? Accelerator.all().find(({ hamiName }) => hamiName === bare)?.series : undefined;
  return ofHami ?? SAYING_NAMES.find(([pattern]) => pattern.test(bare))?.[1];
}
