import type { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import type { Accelerator } from '../lib/accelerators/accelerator';
import type { ResolvedDevices } from '../lib/accelerators/device-options';
import { digest } from '../lib/artifacts/lineage';
import { Platform } from '../lib/platform';
import type { PodFragment } from '../lib/pods/pod-fragment';
import type { ComposedPod } from '../lib/pods/composed-pod';
import { mountScriptsAndFiles } from '../lib/pods/script-volumes';
import { composeTask } from '../lib/pods/task-layers';
import type { Task } from '../lib/runtimes/task';
import type { WorkloadOptions } from '../lib/workload-options';
import type { BatchRequest } from '../lib/workloads/batch-request';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';
import type { WorkloadKind } from '../lib/workloads/workload-kind';
import { renderObjects } from './kubernetes-objects';
import { objectLabels, objectName } from './object-name';
import { fileConfigMaps, podConfigMaps } from './pod-config-maps';
import { holdArtifacts } from './store-holdings';

/** A task and how it is run to its end. */
export interface BatchTask {
  readonly task: Task;
  readonly kind: WorkloadKind;
  readonly pods: number;
  readonly options: WorkloadOptions;
  readonly backoffLimit: number;
  readonly activeDeadlineSeconds?: number | undefined;
  readonly ttlSecondsAfterFinished?: number | undefined;
  readonly accelerator?: Accelerator | undefined;
  readonly devices?: ResolvedDevices | undefined;
  readonly rankTable?: string | undefined;
  /** A role without devices, where the kind has one. */
  readonly schedulerTask?: Task | undefined;
}

/**
 * Renders a batch task. The workload's name carries a digest of its whole spec, because Jobs are immutable: a changed spec is a new object,
 * an unchanged one the same bytes. Where the delivery replaces Jobs, the name can stay.
 */
export function renderBatchTask(scope: Construct, batch: BatchTask): ApiObject {
  checkTimeToLive(batch, Platform.of(scope));
  holdArtifacts(scope, batch.task);
  const base = objectName(scope);
  const name = Platform.of(scope).delivery._options.stableJobNames === true ? base : `${base}-${digest(batchObjects(scope, batch, base, base), 8)}`;
  return renderObjects(scope, batchObjects(scope, batch, base, name));
}

function batchObjects(scope: Construct, batch: BatchTask, base: string, name: string): KubernetesObject[] {
  const platform = Platform.of(scope);
  const { task, kind, pods, rankTable } = batch;
  const facts = {
    name, pods, rankTable, queue: platform.scheduler.queue, admittedTogether: platform.scheduler.name === 'kueue',
    rankTableData: batch.devices?.plugin._rankTableData,
    ...(batch.devices?.plugin._fillsRankTables === true && platform.scheduler.isVolcano && { faultRetryTimes: batch.backoffLimit }),
  };
  const fragment = kind._kind.fragment(facts);
  checkScheduler(kind, fragment, platform);
  const composed = composeTask({ ...batch, kind: fragment, platform });
  const { labels } = objectLabels(base, task.name, scope);
  const configMaps = podConfigMaps(scope, composed, platform, base);
  const mount = (pod: ComposedPod): ComposedPod => mountScriptsAndFiles(pod, platform.scriptDelivery, configMaps);
  const scheduler = schedulerPod(batch, kind._kind.fragment({ ...facts, pods: 1 }), platform);
  const request: BatchRequest = { ...batch, ...facts, pod: mount(composed), schedulerPod: scheduler && mount(scheduler), labels };
  return [...kind._kind.render(request), ...fileConfigMaps(composed, configMaps.files, labels)];
}

/** The role without devices: on any node that can run its image, and with requests of its own. */
function schedulerPod({ schedulerTask, options, accelerator }: BatchTask, kind: PodFragment, platform: Platform): ComposedPod | undefined {
  const { cpu: _cpu, memory: _memory, ...others } = options;
  return schedulerTask && composeTask({ task: schedulerTask, kind, accelerator, platform, options: others });
}

/** Device plugins and queues follow from the platform's scheduler, so a kind that only Volcano runs needs it there. */
function checkScheduler({ name }: WorkloadKind, { schedulerName }: PodFragment, { scheduler }: Platform): void {
  if (schedulerName === 'volcano' && !scheduler.isVolcano) {
    throw new Error(`'workload' ${name} is placed by Volcano, but the scheduler of the platform is ${scheduler.name}; say Scheduler.volcano() there, or use another kind`);
  }
}

function checkTimeToLive({ ttlSecondsAfterFinished }: BatchTask, { delivery }: Platform): void {
  if (ttlSecondsAfterFinished !== undefined && delivery._recreates) {
    throw new Error(`'ttlAfterFinished' does not go with ${delivery.name}: it would find the finished job missing and run it again; leave it out`);
  }
}
