import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** Sparse weights to compress. */
export interface CompressWeightsProps extends JobOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that they are compressed for. */
  readonly runtime: Runtime;
  /** Sparse quantized weights as ShardWeights cut them. */
  readonly from: Artifact;

  /**
   * The store that gets them.
   *
   * @default - that of `from`
   */
  readonly store?: IArtifactStore;
}

/** A Job that compresses sparse weights, on the processor alone. */
export class CompressWeights extends Construct {
  /** The compressed weights. Who serves them reads the shards, too. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime cannot compress, or `from` holds no sparse shards
   */
  constructor(scope: Construct, id: string, props: CompressWeightsProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { model, runtime, from, store = from.store } = props;
      return renderStepJob(this, runtime._step('compress', { model, from, output: outputOf(id, store) }), props);
    });
  }
}
