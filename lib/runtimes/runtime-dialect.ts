import type { Size } from 'cdk8s';

import type { Accelerator } from '../accelerators/accelerator';
import type { Dtype } from '../accelerators/dtype';
import type { Artifact } from '../artifacts/artifact';
import type { ArtifactFormat } from '../artifacts/artifact-format';
import type { GlmModel } from '../models/glm-model';
import type { RankTable } from './rank-table';
import type { ServingBackend } from './serving-backend';
import type { ChatRequest, OutputOf, StepRequests } from './step-requests';
import type { StepTask, Task } from './task';

/** What a server is to serve. */
export interface ServeRequest {
  readonly model: GlmModel;
  readonly weights?: Artifact | undefined;
  readonly accelerator?: Accelerator | undefined;
  readonly devices: number;
  readonly dtype: Dtype;
  readonly contextLength: number;
  readonly backend: ServingBackend;
  readonly port: number;
  /** Requests that may wait. */
  readonly queueSize?: number | undefined;
  readonly requestTimeoutSeconds?: number | undefined;
  /** Seconds that running requests get after SIGTERM. */
  readonly drainSeconds?: number | undefined;
  readonly apiKeys?: SecretKey | undefined;
  readonly hostNetwork?: boolean | undefined;
}

/** A key of a Secret. */
export interface SecretKey {
  readonly secretName: string;
  readonly key: string;
}

/** A server as a task, and how it is measured. */
export interface ServeTask extends Task {
  /** The name of the port whose `/metrics` Prometheus reads. */
  readonly metricsPort: string;
  /** The metric of waiting requests, by which an autoscaler goes. */
  readonly queueMetric: string;
}

/** Settings of a fine-tune that define its result. */
export interface FinetuneSettings {
  readonly epochs?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly learningRate?: number | undefined;
  readonly seqLength?: number | undefined;
  readonly maxSourceLength?: number | undefined;
  readonly maxTargetLength?: number | undefined;
  readonly dataParallel?: number | undefined;
  readonly modelParallel?: number | undefined;
  readonly pipelineStages?: number | undefined;
  readonly recompute?: boolean | undefined;
  readonly flashAttention?: boolean | undefined;
  /** Optimizer steps between two checkpoints. */
  readonly saveSteps?: number | undefined;
  /** Checkpoints that are kept; at least 2. */
  readonly keepCheckpoints?: number | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** What a fine-tune is to train. */
export interface FinetuneRequest {
  readonly model: GlmModel;
  readonly checkpoint: Artifact;
  readonly checkpointFile?: string | undefined;
  readonly dataset: Artifact;
  /** Files of the data set; undefined for those that the configuration reads. */
  readonly trainFile?: string | undefined;
  readonly evalFile?: string | undefined;
  readonly output: OutputOf;
  readonly accelerator: Accelerator;
  /** Which of the runtime's configurations for the model, by its name in the catalogue; undefined for the first. */
  readonly configuration?: string | undefined;
  /** Train low-rank adapters instead of all parameters. */
  readonly lora: boolean;
  /** Only compile, and write how parameters are laid out over the ranks. */
  readonly onlyStrategy: boolean;
  readonly devicesPerNode: number;
  /** Pods of the job, each with `devicesPerNode` devices. */
  readonly nodes: number;
  /** How the workload kind tells a pod its index, from 0: a `$(VARIABLE)`. */
  readonly podIndex: string;
  /** How the workload kind names pod 0: a `$(VARIABLE)`; undefined where its name is not known before. */
  readonly firstPod?: string | undefined;
  /** Whether the pods' output is written at the level of detail that finds faults, which costs speed. */
  readonly debugLogs: boolean;
  /** Memory of a device, where the caller says it. */
  readonly deviceMemory?: Size | undefined;
  readonly rankTable: RankTable;
  /** Whether the workload kind runs MindSpore's scheduler in a role of its own and tells the ranks where it is. */
  readonly schedulerRole: boolean;
  readonly settings: FinetuneSettings;
}

/** A fine-tune as a task, and the numbers of it that the memory estimate needs. */
export interface FinetuneTask extends Task {
  readonly output: Artifact;
  readonly batchSize: number;
  readonly seqLength: number;
  readonly devicesPerReplica: number;
  readonly recompute: boolean;
  /** Whether the optimizer's state is split over the replicas. */
  readonly optimizerParallel: boolean;
  /** Parameters of adapters, which are trained instead of the model's own; undefined where those are trained. */
  readonly adapterParameters?: number;
  /** Cores that one rank cannot do without. */
  readonly cpusPerRank: number;
  /** What the scheduler's role does, where the workload kind has one. */
  readonly schedulerTask?: Task;
}

/** One software stack that runs GLM models. Each lives in a file of its own and answers the tasks that it knows. */
export interface RuntimeDialect {
  readonly name: string;
  /** Whether it runs on vendor devices; the echo runtime needs none. */
  readonly needsAccelerator: boolean;
  /** The models that it supports, by name; undefined for all. */
  readonly models?: readonly string[];
  /** Why it does not run on some chips, by their series. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** The backend that serves its models. */
  readonly backend: ServingBackend;
  /** The format of weights that its server reads; undefined where it reads none. */
  readonly weightsFormat?: ArtifactFormat;
  /** Further formats that it reads. */
  readonly furtherFormats?: readonly ArtifactFormat[];
  /** The rank table that its launcher wants, whatever the workload kind would have; undefined for the kind's own. */
  readonly rankTable?: RankTable;
  serve(request: ServeRequest): ServeTask;
  finetune?(request: FinetuneRequest): FinetuneTask;
  /** A conversation on a terminal. */
  chat?(request: ChatRequest): Task;
  /** The steps over artifacts that it knows. */
  readonly steps?: Steps;
}

/** Steps by name, each answered with a task. */
export type Steps = { readonly [Name in keyof StepRequests]?: (request: StepRequests[Name]) => StepTask };
