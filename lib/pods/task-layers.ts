import type { V1Container } from '@kubernetes/client-node';

import type { Accelerator } from '../accelerators/accelerator';
import type { ResolvedDevices } from '../accelerators/device-options';
import { artifactFragment } from '../artifacts/artifact-mounts';
import { mirrored } from '../image';
import type { Platform } from '../platform';
import type { Task } from '../runtimes/task';
import { optionsFragment, type WorkloadOptions } from '../workload-options';
import { compose } from './compose';
import type { ComposedPod } from './composed-pod';
import { platformFragment } from './platform-fragment';
import type { PodFragment } from './pod-fragment';

/** Everything that a task's pod is made of. */
export interface TaskPod {
  readonly task: Task;
  /** The workload kind's wishes. */
  readonly kind: PodFragment;
  readonly accelerator?: Accelerator | undefined;
  readonly devices?: ResolvedDevices | undefined;
  readonly platform: Platform;
  readonly options: WorkloadOptions;
}

/** Composes the pod of a task: runtime, device plugin, presets, platform and the caller's props, in this order. */
export function composeTask({ task, kind, accelerator, devices, platform, options }: TaskPod): ComposedPod {
  const security = options.security ?? platform.props.security ?? task.security;
  const pod = compose({
    runtime: [taskFragment(task, devices, kind), kind, artifactFragment(task.inputs, task.output, task.image, platform)],
    devicePlugin: devices?.fragments ?? [],
    preset: (options.presets ?? []).map((preset) => preset._fragment(accelerator)),
    platform: [platformFragment(platform), platform.scheduler._fragment, security._fragment(platform.props.user)],
    props: [optionsFragment(options), raisedLimit(task, options)],
  });
  checkPrivileged(pod, security.name, platform.props.user !== undefined);
  checkMemoryRequest(task, options);
  return pullFrom(platform.props.imageRegistry, pod);
}

function taskFragment(task: Task, devices: ResolvedDevices | undefined, kind: PodFragment): PodFragment {
  const architectures = [...new Set([task.architecture, devices?.nodeType?.architecture].filter((architecture) => architecture !== undefined))];
  if (architectures.length > 1) {
    throw new Error(`the image ${task.image} is for ${String(task.architecture)}, but ${String(devices?.nodeType)} is ${String(devices?.nodeType?.architecture)}; give an 'image' for it`);
  }
  return {
    source: `runtime '${task.runtime}'`,
    // An operator's kind insists on a name of its own.
    ...(kind.containerName === undefined && { containerName: task.name }),
    image: task.image,
    command: task.command,
    ...(architectures[0] !== undefined && { nodeSelector: { 'kubernetes.io/arch': architectures[0] } }),
    ...task.fragment,
  };
}

/** Our own containers have a memory limit; who asks for more memory means a higher limit, too. */
function raisedLimit({ fragment }: Task, { memory }: WorkloadOptions): PodFragment {
  const limit = /^(\d+)(Mi|Gi)$/.exec(String(fragment.limits?.memory ?? ''));
  const mebibytes = Number(limit?.[1]) * (limit?.[2] === 'Gi' ? 1024 : 1);
  const isHigher = memory !== undefined && memory.toMebibytes() > mebibytes;
  return { source: 'the workload\'s memory', ...(isHigher && { limits: { memory: `${String(memory.toMebibytes())}Mi` } }) };
}

function checkPrivileged(pod: ComposedPod, level: string, hasUser: boolean): void {
  const context = pod.spec.containers[0]?.securityContext;
  if (context?.privileged === true && context.allowPrivilegeEscalation === false) {
    throw new Error(`DevicePlugin.hostDevices makes the container privileged, which does not go with a user other than root (security level '${level}'${hasUser ? ' with the platform\'s \'user\'' : ''}); `
      + 'use a device plugin, or leave both out for this workload');
  }
}

function checkMemoryRequest({ fragment }: Task, { memory }: WorkloadOptions): void {
  const needed = /^(\d+)Gi$/.exec(String(fragment.requests?.memory ?? ''))?.[1];
  if (memory !== undefined && needed !== undefined && memory.toMebibytes() < Number(needed) * 1024) {
    throw new Error(`'memory' must be at least ${needed}Gi for this task, got ${memory.asString()}`);
  }
}

function pullFrom(registry: string | undefined, pod: ComposedPod): ComposedPod {
  const pull = (container: V1Container): V1Container => ({ ...container, image: mirrored(container.image ?? '', registry) });
  const { containers, initContainers } = pod.spec;
  const volumes = pod.spec.volumes?.map((volume) => volume.image === undefined ? volume : { ...volume, image: { ...volume.image, reference: mirrored(volume.image.reference ?? '', registry) } });
  return {
    ...pod,
    spec: { ...pod.spec, containers: containers.map(pull), ...(initContainers && { initContainers: initContainers.map(pull) }), ...(volumes && { volumes }) },
  };
}
