import type { ChartProps, Size } from 'cdk8s';

import type { TrainingOptions } from '../constructs/training-options';
import type { Accelerator } from '../lib/accelerators/accelerator';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { WeightSource } from '../lib/artifacts/weight-source';
import type { EnvPreset } from '../lib/env/env-preset';
import type { PlatformProps } from '../lib/platform-props';
import type { MindFormersLauncher } from '../lib/runtimes/mind-formers/launcher';
import type { RankTable } from '../lib/runtimes/rank-table';
import type { WorkloadKind } from '../lib/workloads/workload-kind';

/** What the charts over MindFormers have in common: a whole workflow, from nothing to a served model. */
export interface MindFormersChartProps extends ChartProps, TrainingOptions {
  /**
   * What the cluster offers.
   *
   * @default - what was attached to the app
   */
  readonly platform?: PlatformProps;

  /**
   * The store of everything that the workflow makes.
   *
   * @default - a new claim
   */
  readonly store?: IArtifactStore;

  /**
   * Size of the new claim.
   *
   * @default Size.gibibytes(500)
   */
  readonly storeSize?: Size;

  /**
   * The storage class of the new claim, which must give ReadWriteMany volumes.
   *
   * @default - the cluster's default class
   */
  readonly storageClassName?: string;

  /**
   * An image with the version's MindSpore and CANN.
   *
   * @default - the version's public image; ChatGLM-6B's version has none
   */
  readonly image?: string;

  /**
   * An image with MindSpore 2.0 or later for the processor, which converts and merges checkpoints.
   *
   * @default - the image
   */
  readonly mergeImage?: string;

  /**
   * Files whose environment is sourced before a process starts, in order.
   *
   * @default - none
   */
  readonly setEnvScripts?: string[];

  /**
   * The official weights, to be converted.
   *
   * @default - a ready checkpoint of MindFormers' own store
   */
  readonly weightSource?: WeightSource;

  /**
   * Also write the tuned model in Hugging Face's format, which other runtimes serve. Adapters are put into the weights. It needs `weightSource`, since
   * configuration, remote code and tokenizer come from the official weights.
   *
   * @default false
   */
  readonly huggingFace?: boolean;

  /**
   * Where the data come from: `train.json` and `dev.json` as ADGEN has them, or `tool_alpaca.jsonl` for conversations.
   *
   * @default - as the guide has it
   */
  readonly datasetSource?: WeightSource;

  /**
   * The chip.
   *
   * @default - the guide's: Ascend 910B3 for ChatGLM3-6B, 910A for ChatGLM-6B
   */
  readonly accelerator?: Accelerator;

  /**
   * Pods of the fine-tune, each on a node of its own.
   *
   * @default 1
   */
  readonly nodes?: number;

  /**
   * Devices of each pod of the fine-tune.
   *
   * @default - 8; 4 for adapters of ChatGLM-6B
   */
  readonly devicesPerNode?: number;

  /**
   * The Kubernetes kind of the fine-tune.
   *
   * @default - as FinetuneJob chooses
   */
  readonly workload?: WorkloadKind;

  /**
   * Where the rank table of the fine-tune comes from.
   *
   * @default - as FinetuneJob chooses
   */
  readonly rankTable?: RankTable;

  /**
   * Who starts the ranks.
   *
   * @default MindFormersLauncher.LAUNCH
   */
  readonly launcher?: MindFormersLauncher;

  /**
   * Environment of the fine-tune.
   *
   * @default - EnvPresets.HCCL, and EnvPresets.MINDSPORE_TRAINING for ChatGLM3-6B
   */
  readonly presets?: EnvPreset[];

  /**
   * The least acceptable scores of the evaluation, e.g. `rouge-l`. A lower one fails it.
   *
   * @default - none
   */
  readonly minimumScores?: { [metric: string]: number };

  /**
   * Questions that the tuned model answers once.
   *
   * @default - the guide's
   */
  readonly prompts?: string[];

  /**
   * Pods that serve the tuned model.
   *
   * @default 1
   */
  readonly replicas?: number;
}
