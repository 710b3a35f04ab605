import type { Duration } from 'cdk8s';
import type { Construct } from 'constructs';

import type { Accelerator } from '../lib/accelerators/accelerator';
import { checkMemory, type DeviceOptions, type ResolvedDevices, resolveDevices } from '../lib/accelerators/device-options';
import type { Dtype } from '../lib/accelerators/dtype';
import { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import { MemoryTask } from '../lib/models/memory-estimate';
import { Platform } from '../lib/platform';
import type { OutputOf } from '../lib/runtimes/step-requests';
import type { StepTask } from '../lib/runtimes/task';
import type { WorkloadOptions } from '../lib/workload-options';
import { WorkloadKind } from '../lib/workloads/workload-kind';
import { renderBatchTask } from './batch-task';
import { checkBackoffLimit } from './download-options';

/** What every Job over artifacts lets its user say. */
export interface JobOptions extends WorkloadOptions {
  /**
   * How often a failed pod is tried again. Faults that no retry can mend end the Job at once. With Volcano on A3 servers a Job of one die, and in a super
   * pod one of less than a node, cannot be tried again and needs 0.
   *
   * @default 3
   */
  readonly backoffLimit?: number;

  /**
   * The longest time that the Job may take, retries included.
   *
   * @default - no limit
   */
  readonly deadline?: Duration;

  /**
   * Delete the finished Job after this time. Not with Argo CD or Flux, which would run it again.
   *
   * @default - it is kept
   */
  readonly ttlAfterFinished?: Duration;
}

/** A Job over artifacts that may need devices. */
export interface StepJobOptions extends JobOptions, DeviceOptions {}

/** Names the output of a step after its construct, on a store that can be written to. */
export function outputOf(id: string, store: IArtifactStore): OutputOf {
  if (store.readOnly) {
    throw new Error(`'store' ${store.storeName} is read-only; '${id}' cannot be written to it`);
  }
  return (format, definition, bytes) => Artifact._produced(id, store, format, definition, bytes === undefined ? {} : { bytes });
}

/** What the memory estimate of a step that loads a model depends on. */
export interface LoadedModel {
  readonly model: GlmModel;
  readonly dtype: Dtype;
  readonly contextLength: number;
  readonly batchSize?: number | undefined;
}

/**
 * Renders a step as a Job of one pod, with devices where the task asks for some.
 *
 * @throws if the task needs devices and no chip is given, or the loaded model does not fit
 */
export function renderStepJob(scope: Construct, task: StepTask, options: StepJobOptions, accelerator?: Accelerator, loaded?: LoadedModel): Artifact {
  const backoffLimit = checkBackoffLimit(options.backoffLimit ?? 3);
  const placed: Partial<PlacedTask> = task.devices === undefined ? {} : placedTask(task, task.devices, { ...options, backoffLimit }, Platform.of(scope), accelerator);
  if (loaded && placed.devices && placed.accelerator) {
    const { model, dtype, contextLength, batchSize = 1 } = loaded;
    const estimate = { model, dtype, devices: task.devices ?? 1, task: MemoryTask.INFERENCE, seqLength: contextLength, batch: batchSize };
    checkMemory(placed.accelerator, estimate, options, placed.devices.plugin);
  }
  renderBatchTask(scope, {
    task, options, ...placed, kind: WorkloadKind.JOB, pods: 1, backoffLimit,
    activeDeadlineSeconds: options.deadline?.toSeconds(),
    ttlSecondsAfterFinished: options.ttlAfterFinished?.toSeconds(),
  });
  return task.output;
}

interface PlacedTask {
  readonly accelerator: Accelerator;
  readonly devices: ResolvedDevices;
}

function placedTask(
  task: StepTask, devices: number, options: StepJobOptions & { readonly backoffLimit: number }, platform: Platform, accelerator?: Accelerator,
): PlacedTask {
  if (accelerator === undefined) {
    throw new Error(`'accelerator' is missing: ${task.name} of runtime '${task.runtime}' needs ${String(devices)} devices`);
  }
  const owner = WorkloadKind.JOB._kind.ownerOf?.(options.backoffLimit);
  return { accelerator, devices: resolveDevices(accelerator, { devices, nodes: 1, owner }, options, platform) };
}
