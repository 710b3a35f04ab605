import { Construct } from 'constructs';

import { Dtype } from '../lib/accelerators/dtype';
import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** A graph to compile for Sophgo chips. */
export interface CompileBmodelProps extends JobOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software whose source tree has the script, and whose compiler image has TPU-MLIR. */
  readonly runtime: Runtime;
  /** The ONNX files. */
  readonly onnx: Artifact;
  /** The weights that they come from; the tokenizer is copied from there. */
  readonly weights: Artifact;

  /**
   * Precision of the compiled weights: FLOAT16, INT8 or INT4.
   *
   * @default Dtype.FLOAT16
   */
  readonly dtype?: Dtype;

  /**
   * Chips that work together: 1, 2, 4 or 8.
   *
   * @default 1
   */
  readonly devices?: number;

  /**
   * The store that gets the bmodel.
   *
   * @default - that of `onnx`
   */
  readonly store?: IArtifactStore;
}

/** A Job that compiles ONNX files to one bmodel with TPU-MLIR, on x86 processors alone; it asks for no TPU. */
export class CompileBmodel extends Construct {
  /** The bmodel and its tokenizer. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime compiles nothing, or precision or chips are not what the script knows
   */
  constructor(scope: Construct, id: string, props: CompileBmodelProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { runtime, model, onnx, weights, dtype = Dtype.FLOAT16, devices = 1, store = onnx.store } = props;
      onnx._require([ArtifactFormat.ONNX], 'onnx', 'ExportOnnx makes it');
      weights._require([ArtifactFormat.HUGGING_FACE], 'weights', 'DownloadWeights makes them');
      return renderStepJob(this, runtime._step('compile', { model, from: onnx, weights, dtype, devices, output: outputOf(id, store) }), props);
    });
  }
}
