import type { PodFragment } from '../pods/pod-fragment';
import type { Scheduler } from '../scheduler';
import type { Accelerator } from './accelerator';
import type { NodeType } from './node-type';

/**
 * What makes pods that work without each other. Volcano has all pods of one owner in a PodGroup, also those that have ended
 * (volcano-sh/volcano@ed72c7c8 pkg/controllers/podgroup), so that MindCluster's scheduler takes them for one job.
 */
export interface PodOwner {
  /** A Deployment has its replicas beside each other, a Job its tries one after the other. */
  readonly kind: 'Deployment' | 'Job';
  /** What the caller calls `count`, for errors. */
  readonly prop: string;
  /** The most replicas of a Deployment, the retries of a Job. */
  readonly count: number;
}

/** What a workload asks a cluster's device plugin for. */
export interface DeviceRequest {
  readonly accelerator: Accelerator;
  /** The server product, where it is known. */
  readonly nodeType?: NodeType | undefined;
  /** Devices of one pod, from 1. */
  readonly devices: number;
  /** Pods of the job, each on a node of its own, from 1. */
  readonly nodes: number;
  /** What the caller calls `devices`, for errors. */
  readonly prop?: string | undefined;
  readonly scheduler: Scheduler;
  /** Undefined where pods are made and placed together, or never tried again. */
  readonly owner?: PodOwner | undefined;
}

/** One way in which clusters name and hand out devices. Each lives in a file of its own. */
export interface DeviceDialect {
  /** How errors name it, e.g. `MindCluster 26.0`. */
  readonly name: string;

  /** Whether an operator that comes with it fills the ConfigMap `rings-config-<job>`. */
  readonly fillsRankTables?: boolean;

  /** The data that the ConfigMap must have before the operator fills it; undefined where it needs none. */
  readonly rankTableData?: Readonly<Record<string, string>> | undefined;

  /** What a slice of a device that it hands out holds, in bytes; undefined for whole devices. */
  readonly sliceBytes?: (accelerator: Accelerator) => number | undefined;

  /** Whether it can name the chip. */
  names(accelerator: Accelerator): boolean;

  /** Why it cannot name a chip that people expect it to, for the error. */
  refusal?(accelerator: Accelerator): string | undefined;

  /**
   * Everything that the pod needs to get the devices.
   *
   * @throws if the count is not legal or a needed fact is missing
   */
  toFragment(request: DeviceRequest): Omit<PodFragment, 'source'>;
}

/** Throws unless `devices` is legal for a pod on the node type. */
export function checkCount({ devices, nodes, nodeType, prop = 'devices' }: DeviceRequest): void {
  const counts = nodeType?.podCounts(nodes);
  if (counts !== undefined && !counts.includes(devices)) {
    const job = nodes > 1 ? ` in a job over ${String(nodes)} nodes` : '';
    throw new Error(`'${prop}' must be one of ${counts.join(', ')} for a pod on ${String(nodeType)}${job}, got ${String(devices)}`);
  }
}

/** Throws unless exactly one device is asked for, because `reason`. */
export function checkSingle({ devices, prop = 'devices' }: DeviceRequest, what: string, reason: string): void {
  if (devices !== 1) {
    throw new Error(`'${prop}' must be 1 with ${what}, got ${String(devices)}: ${reason}`);
  }
}
