import { type Accelerator, type DevicePlugin, type NodeType, Scheduler } from 'cdk8s-chatglm';

import type { PodOwner } from '../../lib/accelerators/device-dialect';
import type { PodFragment } from '../../lib/pods/pod-fragment';

/** A request for devices of one pod, on the default scheduler unless told otherwise. */
export interface FragmentRequest {
  readonly accelerator: Accelerator;
  readonly nodeType?: NodeType;
  readonly devices?: number;
  readonly nodes?: number;
  readonly scheduler?: Scheduler;
  readonly owner?: PodOwner;
}

/** What a device plugin asks of the pod. */
export function fragmentOf(plugin: DevicePlugin, request: FragmentRequest): PodFragment {
  return plugin._fragment({ nodeType: undefined, devices: 1, nodes: 1, scheduler: Scheduler.DEFAULT, ...request });
}
