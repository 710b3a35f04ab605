import type { Duration } from 'cdk8s';

import type { Accelerator } from '../lib/accelerators/accelerator';
import type { DeviceOptions } from '../lib/accelerators/device-options';
import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import type { RankTable } from '../lib/runtimes/rank-table';
import type { Runtime } from '../lib/runtimes/runtime';
import type { WorkloadOptions } from '../lib/workload-options';
import type { WorkloadKind } from '../lib/workloads/workload-kind';

/** A model to fine-tune. */
export interface FinetuneJobProps extends WorkloadOptions, DeviceOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that trains it. */
  readonly runtime: Runtime;
  /** The checkpoint to start from, and its tokenizer. */
  readonly checkpoint: Artifact;
  /** The data set. */
  readonly dataset: Artifact;
  /** The chip. */
  readonly accelerator: Accelerator;
  /** Devices of each pod, one rank each. */
  readonly devicesPerNode: number;

  /**
   * Pods of the job, each on a node of its own. With several, the store must be shared between nodes.
   *
   * @default 1
   */
  readonly nodes?: number;

  /**
   * Which of the runtime's configurations for the model, e.g. `2k` or `multi-turn`.
   *
   * @default - the first, which is written for ADGEN
   */
  readonly configuration?: string;

  /**
   * Train low-rank adapters instead of all parameters.
   *
   * @default false
   */
  readonly lora?: boolean;

  /**
   * Only compile, and write the strategy files that tell how parameters are laid out over the ranks. For merging what MindSpore before 2.0 has
   * trained with `lora`: its own files leave out frozen parameters, so here none is frozen.
   *
   * @default false
   */
  readonly onlyStrategy?: boolean;

  /**
   * The store that gets the trained checkpoints.
   *
   * @default - the checkpoint's
   */
  readonly store?: IArtifactStore;

  /**
   * The checkpoint's file.
   *
   * @default - the runtime's name of the model with `.ckpt`, e.g. `glm3_6b.ckpt`
   */
  readonly checkpointFile?: string;

  /**
   * The data set's file for training.
   *
   * @default - what the configuration reads: `train.json`, `train.jsonl` for conversations, or `train.mindrecord`
   */
  readonly trainFile?: string;

  /**
   * The data set's file for evaluation.
   *
   * @default - what the configuration reads: `dev.json` or `eval.mindrecord`
   */
  readonly evalFile?: string;

  /**
   * Passes over the data.
   *
   * @default - the configuration's
   */
  readonly epochs?: number;

  /**
   * Sequences a step on one data-parallel replica.
   *
   * @default - the configuration's
   */
  readonly batchSize?: number;

  /**
   * The learning rate at the start.
   *
   * @default - the configuration's
   */
  readonly learningRate?: number;

  /**
   * Tokens of one sequence: prompt, answer and one more.
   *
   * @default - `maxSourceLength` + `maxTargetLength` + 1
   */
  readonly seqLength?: number;

  /**
   * Tokens of the prompt; longer ones are cut.
   *
   * @default - the configuration's
   */
  readonly maxSourceLength?: number;

  /**
   * Tokens of the answer; longer ones are cut.
   *
   * @default - the configuration's
   */
  readonly maxTargetLength?: number;

  /**
   * Copies of the model that train on different data.
   *
   * @default - what the devices leave after model and pipeline parallelism
   */
  readonly dataParallel?: number;

  /**
   * Devices that each layer is split over.
   *
   * @default 1
   */
  readonly modelParallel?: number;

  /**
   * Groups of devices that hold different layers.
   *
   * @default 1
   */
  readonly pipelineStages?: number;

  /**
   * Compute activations again in the backward pass, which saves most of their memory.
   *
   * @default - the configuration's, which is on
   */
  readonly recompute?: boolean;

  /**
   * Use the flash attention kernel; not on 910A, and `seqLength` must be a multiple of 16.
   *
   * @default - the configuration's, which is off
   */
  readonly flashAttention?: boolean;

  /**
   * Optimizer steps between two checkpoints. A restarted job goes on from the last step that all ranks have saved.
   *
   * @default - the configuration's
   */
  readonly saveSteps?: number;

  /**
   * Checkpoints that are kept, at least 2: one may be half written when the job is stopped.
   *
   * @default 2
   */
  readonly keepCheckpoints?: number;

  /**
   * Use the network of the node, for fabrics that are not reachable from the pod network. HCCL is then told the node's address.
   *
   * @default false
   */
  readonly hostNetwork?: boolean;

  /**
   * Write the logs of CANN and MindSpore at the level that finds faults, to the pod's output. It makes each step slower by far.
   *
   * @default false
   */
  readonly debugLogs?: boolean;

  /**
   * Further values of the runtime's configuration by dotted key, e.g. `runner_config.sink_size`. They win over the props above.
   *
   * @default - none
   */
  readonly settings?: { [key: string]: string };

  /**
   * The Kubernetes kind. Volcano Jobs and AscendJobs need `Scheduler.volcano` on the platform.
   *
   * @default - a Job for one node; for several a Volcano Job where the platform's scheduler is Volcano, else an Indexed Job
   */
  readonly workload?: WorkloadKind;

  /**
   * Where the rank table comes from.
   *
   * @default - none in an AscendJob and with MindFormersLauncher.MSRUN, MindCluster's operator in a Volcano Job, else generated by the pod
   */
  readonly rankTable?: RankTable;

  /**
   * How often a failed pod is tried again. Faults that no retry can mend end the job at once.
   *
   * @default 3
   */
  readonly backoffLimit?: number;

  /**
   * The longest time that the job may take, retries included. A Volcano Job knows none.
   *
   * @default - no limit
   */
  readonly deadline?: Duration;

  /**
   * Delete the finished job after this time. Not with Argo CD or Flux, which would run it again.
   *
   * @default - it is kept
   */
  readonly ttlAfterFinished?: Duration;
}
