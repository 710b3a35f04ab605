import type { Accelerator } from '../accelerators/accelerator';
import type { Dtype } from '../accelerators/dtype';
import type { Architecture } from '../accelerators/node-type';
import type { Artifact } from '../artifacts/artifact';
import type { ArtifactFormat } from '../artifacts/artifact-format';
import type { LineageValue } from '../artifacts/lineage';
import type { GlmModel } from '../models/glm-model';

/** Names the output artifact of a step: its format, everything that defines its content, and the room that it takes while it is made, where a source tells. */
export type OutputOf = (format: ArtifactFormat, definition: Definition, bytes?: number) => Artifact;

/** What the content of an artifact depends on, and nothing else. */
export type Definition = Readonly<Record<string, LineageValue>>;

/** What every step over artifacts is asked with. */
export interface StepRequest {
  readonly model: GlmModel;
  readonly output: OutputOf;
  /** The chip, where the step computes on devices or depends on which it will be. */
  readonly accelerator?: Accelerator | undefined;
}

/** A step that computes with a model on devices. */
export interface ModelStepRequest extends StepRequest {
  readonly weights: Artifact;
  readonly devices: number;
  readonly dtype: Dtype;
  readonly contextLength: number;
}

/** Weights in another format. */
export interface ConvertRequest extends StepRequest {
  readonly from: Artifact;
  readonly to: ArtifactFormat;
  /** Where configuration, remote code and tokenizer come from, on the way back to Hugging Face. */
  readonly base?: Artifact | undefined;
  /** The checkpoint's file, on the way back. */
  readonly checkpointFile?: string | undefined;
  /** What the adapters in the checkpoint were trained with, where the artifact does not tell, on the way back. */
  readonly loraAlpha?: number | undefined;
}

/** A data set, checked and in the form that the trainer reads. */
export interface DatasetRequest extends StepRequest {
  readonly from: Artifact;
  /** `adgen`, `tool-alpaca` or `json-lines`. */
  readonly kind: string;
  readonly trainFile: string;
  readonly evalFile?: string | undefined;
  readonly columns?: readonly string[] | undefined;
  /** Holds the tokenizer, for the scan of token lengths and for MindRecord. */
  readonly tokenizer?: Artifact | undefined;
  /** Make MindRecord files with these lengths, source and target, for training and evaluation. */
  readonly mindRecord?: { readonly train: readonly [number, number]; readonly evaluation: readonly [number, number] } | undefined;
}

/** The checkpoints of all ranks as one. */
export interface MergeRequest extends StepRequest {
  readonly from: Artifact;
  /** Where the tokenizer comes from. */
  readonly base: Artifact;
  /** Strategy files of another run, where those of this one are not complete. */
  readonly strategy?: Artifact | undefined;
}

/** A model measured on a data set. */
export interface EvaluateRequest extends ModelStepRequest {
  readonly dataset: Artifact;
  /** The data set's file; undefined for the runtime's own. */
  readonly evalFile?: string | undefined;
  readonly batchSize?: number | undefined;
  /** The least acceptable value of a metric, by its name. */
  readonly minimumScores: Readonly<Record<string, number>>;
  readonly settings: Readonly<Record<string, string>>;
}

/** Prompts answered by a model. */
export interface PredictRequest extends ModelStepRequest {
  /** JSON: a list of conversations, as answer_prompts.py reads it. */
  readonly prompts: string;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
}

/** A model's speed. */
export interface BenchmarkRequest extends ModelStepRequest {
  readonly prompts?: string | undefined;
  /** Pairs of input and output lengths in tokens, where the runtime's tool takes them. */
  readonly sequencePairs: readonly (readonly [number, number])[];
  readonly batchSize?: number | undefined;
  readonly printResponse: boolean;
}

/** A conversation on a terminal. It makes no artifact. */
export interface ChatRequest extends Omit<ModelStepRequest, 'output'> {
  readonly idleMinutes: number;
}

/** Weights in fewer bits. */
export interface QuantizeRequest extends StepRequest {
  readonly weights: Artifact;
  readonly calibration: Artifact;
  readonly calibrationFile: string;
  /** Also sparse, for chips that know it. */
  readonly sparse: boolean;
}

/** Weights cut for tensor parallelism. */
export interface ShardRequest extends StepRequest {
  readonly weights: Artifact;
  /** Quantized weights, instead of those in 16 bits. */
  readonly quantized?: Artifact | undefined;
  readonly tensorParallel: number;
}

/** Sparse shards compressed for the devices. */
export interface CompressRequest extends StepRequest {
  readonly from: Artifact;
}

/** Sources rewritten for a vendor's PyTorch. */
export interface MigrateRequest extends Omit<StepRequest, 'model'> {
  readonly from: Artifact;
}

/** A model's graph as ONNX files. */
export interface ExportRequest extends StepRequest {
  readonly weights: Artifact;
  readonly seqLength: number;
}

/** A graph compiled for a chip. */
export interface CompileRequest extends StepRequest {
  readonly from: Artifact;
  readonly weights: Artifact;
  readonly dtype: Dtype;
  readonly devices: number;
}

/** A vendor's program built from its source tree. */
export interface BuildRequest extends Omit<StepRequest, 'model'> {
  /** The program's name in the source tree. */
  readonly program: string;
  /** The processors that it is built for, where that is known. */
  readonly architecture?: Architecture | undefined;
}

/** Every step that a runtime may know, by name, and what it is asked with. A runtime that does not know one leaves it out. */
export interface StepRequests {
  readonly convert: ConvertRequest;
  readonly dataset: DatasetRequest;
  readonly merge: MergeRequest;
  readonly evaluate: EvaluateRequest;
  readonly predict: PredictRequest;
  readonly benchmark: BenchmarkRequest;
  readonly quantize: QuantizeRequest;
  readonly shard: ShardRequest;
  readonly compress: CompressRequest;
  readonly migrate: MigrateRequest;
  readonly export: ExportRequest;
  readonly compile: CompileRequest;
  readonly build: BuildRequest;
}
