import { Construct } from 'constructs';

import { checkMemory, resolveDevices } from '../lib/accelerators/device-options';
import { Dtype } from '../lib/accelerators/dtype';
import type { Artifact } from '../lib/artifacts/artifact';
import { MemoryTask } from '../lib/models/memory-estimate';
import { Platform } from '../lib/platform';
import { checkGiven } from '../lib/required-props';
import type { FinetuneTask } from '../lib/runtimes/runtime-dialect';
import { renderBatchTask } from './batch-task';
import { checkBackoffLimit } from './download-options';
import type { FinetuneJobProps } from './finetune-job-props';
import { finetuneRequest, workloadKind } from './finetune-request';
import { located } from './located';

/** A job that fine-tunes a model on the devices of one node or of several. */
export class FinetuneJob extends Construct {
  /** The trained checkpoints of all ranks, with the strategy files that merging needs. */
  public readonly artifact: Artifact;

  /**
   * @throws if runtime, model, chip, device count, parallelism, lengths and memory do not go together
   */
  constructor(scope: Construct, id: string, props: FinetuneJobProps) {
    super(scope, id);
    this.artifact = located(this, () => this.render(id, props));
  }

  private render(id: string, props: FinetuneJobProps): Artifact {
    checkGiven(props, 'model', 'runtime', 'checkpoint', 'dataset', 'accelerator', 'devicesPerNode');
    const { accelerator, model, nodes = 1 } = props;
    const kind = workloadKind(props, Platform.of(this));
    const plugin = props.devicePlugin ?? Platform.of(this).devicePluginOf(accelerator);
    const request = finetuneRequest(id, props, kind, plugin);
    const task = onHostNetwork(props.runtime._finetune(request), props.hostNetwork);
    const backoffLimit = checkBackoffLimit(props.backoffLimit ?? 3);
    const counts = { devices: request.devicesPerNode, nodes, prop: 'devicesPerNode', owner: kind._kind.ownerOf?.(backoffLimit) };
    const devices = resolveDevices(accelerator, counts, props, Platform.of(this));
    checkMemory(accelerator, {
      model, dtype: Dtype.FLOAT16, task: MemoryTask.FINETUNE, seqLength: task.seqLength, batch: task.batchSize, devices: request.devicesPerNode * nodes,
      devicesPerReplica: task.devicesPerReplica, recompute: task.recompute, optimizerParallel: task.optimizerParallel,
      ...(task.adapterParameters !== undefined && { adapterParameters: task.adapterParameters }),
    }, props, devices.plugin);
    checkCpu(props, task);
    renderBatchTask(this, {
      task, kind, devices, accelerator, backoffLimit, options: props, pods: nodes, rankTable: request.rankTable.source, schedulerTask: task.schedulerTask,
      activeDeadlineSeconds: props.deadline?.toSeconds(),
      ttlSecondsAfterFinished: props.ttlAfterFinished?.toSeconds(),
    });
    return task.output;
  }
}

/** Each rank reads its data in processes of its own, and MindSpore refuses to start more of them than there are cores. */
function checkCpu({ cpu }: FinetuneJobProps, { cpusPerRank }: FinetuneTask): void {
  const cores = cpu === undefined ? Infinity : parseFloat(cpu.amount) / (cpu.amount.endsWith('m') ? 1000 : 1);
  if (cores < cpusPerRank) {
    throw new Error(`'cpu' must be at least ${String(cpusPerRank)}, for each rank reads data in so many processes, got ${String(cpu?.amount)}; `
      + 'ask for more, or set \'train_dataset.num_parallel_workers\' in \'settings\'');
  }
}

/** HCCL takes the address of the pod network's interface unless it is told the node's (MindCluster docs, 15_yaml_configuration.md). */
function onHostNetwork(task: FinetuneTask, hostNetwork = false): FinetuneTask {
  const { env = [] } = task.fragment;
  const address = { name: 'HCCL_IF_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } };
  return hostNetwork ? { ...task, fragment: { ...task.fragment, hostNetwork, env: [...env, address] } } : task;
}
