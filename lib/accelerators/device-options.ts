import type { Size } from 'cdk8s';

import { MemoryEstimate, type MemoryEstimateProps, MemoryTask } from '../models/memory-estimate';
import type { Platform } from '../platform';
import type { PodFragment } from '../pods/pod-fragment';
import type { Accelerator } from './accelerator';
import type { DeviceRequest } from './device-dialect';
import type { DevicePlugin } from './device-plugin';
import type { NodeType } from './node-type';

/** Where the devices of a workload are, and who names them. */
export interface DevicePlacementOptions {
  /**
   * The server product.
   *
   * @default - the product of the platform that has the chip
   */
  readonly nodeType?: NodeType;

  /**
   * The device plugin.
   *
   * @default - the plugin of the platform that names the chip
   */
  readonly devicePlugin?: DevicePlugin;
}

/** What a workload with devices lets its user say about them. */
export interface DeviceOptions extends DevicePlacementOptions {
  /**
   * Memory of one device, where the catalogue does not know it.
   *
   * @default - the chip's
   */
  readonly deviceMemory?: Size;

  /**
   * Render a workload even if its memory estimate says that it cannot fit.
   *
   * @default false
   */
  readonly skipMemoryCheck?: boolean;
}

/** Devices as they were resolved on a platform. */
export interface ResolvedDevices {
  readonly nodeType?: NodeType | undefined;
  readonly plugin: DevicePlugin;
  readonly fragments: readonly PodFragment[];
}

/** Finds the server product and the plugin of a chip, and what they ask of the pod. */
export function resolveDevices(
  accelerator: Accelerator, counts: Pick<DeviceRequest, 'devices' | 'nodes' | 'prop' | 'owner'>, options: DevicePlacementOptions, platform: Platform,
): ResolvedDevices {
  const nodeType = options.nodeType ?? platform.nodeTypeOf(accelerator);
  if (nodeType?.has(accelerator) === false) {
    throw new Error(`'nodeType' ${String(nodeType)} is not sold with ${accelerator.name}; it has ${nodeType.accelerators.map(String).join(', ')}`);
  }
  const plugin = options.devicePlugin ?? platform.devicePluginOf(accelerator);
  const { scheduler } = platform;
  return { nodeType, plugin, fragments: [plugin._fragment({ accelerator, nodeType, scheduler, ...counts })] };
}

/** Throws if the estimate exceeds the memory of a device, and says by how much and what would fit. */
export function checkMemory(accelerator: Accelerator, estimate: MemoryEstimateProps, options: DeviceOptions, plugin?: DevicePlugin): void {
  if (options.skipMemoryCheck === true) {
    return;
  }
  const slice = plugin?._sliceBytes(accelerator);
  const available = slice ?? bytes(options.deviceMemory ?? accelerator.deviceMemory);
  if (available === undefined) {
    throw new Error(`'deviceMemory' is needed: no source tells the memory of ${accelerator.name}; give it, or set 'skipMemoryCheck'`);
  }
  const needed = MemoryEstimate.bytesPerDevice(estimate);
  if (needed > available) {
    throw new Error(`${estimate.model.name} needs ${gibibytes(needed)} on each of ${String(estimate.devices)} devices to ${verb(estimate)} in ${estimate.dtype} with `
      + `${String(estimate.batch)} x ${String(estimate.seqLength)} tokens, and ${slice === undefined ? '' : 'the slice of '}${accelerator.name} has ${gibibytes(available)}: ${gibibytes(needed - available)} too little; `
      + `${remedy(estimate, available)}, or set 'skipMemoryCheck'`);
  }
}

function bytes(size: Size | undefined): number | undefined {
  return size && size.toKibibytes() * 1024;
}

function verb({ task, adapterParameters }: MemoryEstimateProps): string {
  return task === MemoryTask.INFERENCE ? 'serve' : adapterParameters === undefined ? 'fine-tune' : 'fine-tune adapters';
}

function remedy(estimate: MemoryEstimateProps, available: number): string {
  const shorter = longestThatFits(estimate, available);
  if (shorter > 0) {
    return `${String(shorter)} tokens would fit`;
  }
  const split = [2, 4, 8, 16].find((factor) => MemoryEstimate.bytesPerDevice(splitOver(estimate, factor)) <= available);
  return split === undefined ? 'use a chip with more memory' : `splitting the model over ${String(split)} times as many devices would fit`;
}

function splitOver(estimate: MemoryEstimateProps, factor: number): MemoryEstimateProps {
  const devicesPerReplica = (estimate.devicesPerReplica ?? (estimate.task === MemoryTask.INFERENCE ? estimate.devices : 1)) * factor;
  return { ...estimate, devices: Math.max(estimate.devices, devicesPerReplica), devicesPerReplica };
}

/** The longest sequence that fits, in steps of 64 tokens; 0 if none does. */
function longestThatFits(estimate: MemoryEstimateProps, available: number): number {
  const fits = (steps: number): boolean => MemoryEstimate.bytesPerDevice({ ...estimate, seqLength: steps * 64 }) <= available;
  let [low, high] = [0, Math.ceil(estimate.seqLength / 64)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    [low, high] = fits(middle) ? [middle, high] : [low, middle - 1];
  }
  return low * 64;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
