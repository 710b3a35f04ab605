import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** A model to export. */
export interface ExportOnnxProps extends JobOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software whose source tree has the exporter. */
  readonly runtime: Runtime;
  /** The weights, patched for the export. */
  readonly weights: Artifact;

  /**
   * Tokens of a sequence, prompt and answer together; it is fixed from here on.
   *
   * @default 512
   */
  readonly seqLength?: number;

  /**
   * The store that gets the files.
   *
   * @default - the weights'
   */
  readonly store?: IArtifactStore;
}

/** A Job that exports a model's graph as ONNX files, on processors alone. */
export class ExportOnnx extends Construct {
  /** The ONNX files. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime exports no graphs, the weights are of another format, or the length exceeds the model's
   */
  constructor(scope: Construct, id: string, props: ExportOnnxProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { runtime, model, weights, seqLength = 512, store = weights.store } = props;
      weights._require([ArtifactFormat.HUGGING_FACE], 'weights', 'DownloadWeights makes them');
      if (!Number.isInteger(seqLength) || seqLength < 1 || seqLength > model.maxSequenceLength) {
        throw new Error(`'seqLength' must be a whole number from 1 to ${String(model.maxSequenceLength)} for ${model.name}, got ${String(seqLength)}`);
      }
      return renderStepJob(this, runtime._step('export', { model, weights, seqLength, output: outputOf(id, store) }), props);
    });
  }
}
