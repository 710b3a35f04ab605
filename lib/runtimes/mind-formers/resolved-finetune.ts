import type { Adapters } from './adapters';
import type { MindFormersConfiguration, MindFormersModel } from './configuration';

/** A fine-tune's settings, complete: the configuration's values under the caller's. */
export interface ResolvedFinetune {
  readonly model: MindFormersModel;
  readonly configuration: MindFormersConfiguration;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seqLength: number;
  readonly maxSourceLength: number;
  readonly maxTargetLength: number;
  readonly dataParallel: number;
  readonly modelParallel: number;
  readonly pipelineStages: number;
  readonly recompute: boolean;
  readonly flashAttention: boolean;
  /** What is trained instead of the model's own parameters. */
  readonly adapters: Adapters | undefined;
  /** Processes of a rank that read data; each wants a core. */
  readonly dataWorkers: number;
  /** Dotted keys of the configuration and their values, `settings` last. */
  readonly overrides: Readonly<Record<string, string>>;
}
