import { Construct } from 'constructs';

import type { Accelerator } from '../lib/accelerators/accelerator';
import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** The files of C-Eval that the ATB guide calibrates with (ModelLink@839b2483 examples/chatglm2/6b/README.md). */
const CALIBRATION_FILE = 'val/Social_Science/teacher_qualification.jsonl';
const SPARSE_CALIBRATION_FILE = 'val/Other/civil_servant.jsonl';

/** Weights to quantize. */
export interface QuantizeWeightsProps extends JobOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that they are quantized for. */
  readonly runtime: Runtime;
  /** The weights in 16 bits. */
  readonly weights: Artifact;
  /** The data set with the questions that it is calibrated with: C-Eval. */
  readonly calibration: Artifact;

  /**
   * The file of the data set.
   *
   * @default - the one of the runtime's guide
   */
  readonly calibrationFile?: string;

  /**
   * Make the weights sparse as well, which only the Atlas 300I Duo can compute with.
   *
   * @default false
   */
  readonly sparse?: boolean;

  /**
   * The chip that they are for; its limits are checked.
   *
   * @default - any that the runtime supports
   */
  readonly accelerator?: Accelerator;

  /**
   * The store that gets them.
   *
   * @default - that of the weights
   */
  readonly store?: IArtifactStore;
}

/** A Job that quantizes weights, on the processor alone. */
export class QuantizeWeights extends Construct {
  /** The quantized weights. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime cannot quantize, or not for the chip
   */
  constructor(scope: Construct, id: string, props: QuantizeWeightsProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { model, runtime, weights, calibration, sparse = false, accelerator, store = weights.store } = props;
      const { calibrationFile = sparse ? SPARSE_CALIBRATION_FILE : CALIBRATION_FILE } = props;
      checkFile(calibrationFile);
      const request = { model, weights, calibration, calibrationFile, sparse, accelerator, output: outputOf(id, store) };
      return renderStepJob(this, runtime._step('quantize', request), props);
    });
  }
}

function checkFile(file: string): void {
  if (file.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw new Error(`'calibrationFile' must be a path inside the data set, like '${CALIBRATION_FILE}', got '${file}'`);
  }
}
