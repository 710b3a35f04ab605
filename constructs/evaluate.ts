import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import { checkGiven } from '../lib/required-props';
import { located } from './located';
import { checkWhole, type ModelStepOptions, modelStepRequest } from './model-step';
import { renderStepJob } from './step-job';

/** A model to measure. */
export interface EvaluateProps extends ModelStepOptions {
  /** The data that it is measured on. */
  readonly dataset: Artifact;

  /**
   * The data set's file.
   *
   * @default - the runtime's, `dev.json` or `eval.mindrecord` for MindFormers
   */
  readonly evalFile?: string;

  /**
   * Sequences at a time.
   *
   * @default 1
   */
  readonly batchSize?: number;

  /**
   * The least acceptable value of a metric, by its name (`rouge-1`, `rouge-2`, `rouge-l`, `bleu-4`). A lower score fails the Job, for good.
   *
   * @default - none: every score is recorded
   */
  readonly minimumScores?: { [metric: string]: number };

  /**
   * Further values of the runtime's configuration by dotted key.
   *
   * @default - none
   */
  readonly settings?: { [key: string]: string };
}

/** A Job that measures a model on a data set and writes the scores to `result.json`. */
export class Evaluate extends Construct {
  /** The scores. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime cannot evaluate, or model, chip and memory do not go together
   */
  constructor(scope: Construct, id: string, props: EvaluateProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      checkGiven(props, 'runtime', 'dataset');
      const { dataset, evalFile, batchSize, minimumScores = {}, settings = {} } = props;
      checkWhole('batchSize', batchSize);
      checkScores(minimumScores);
      dataset._require([ArtifactFormat.DATASET, ArtifactFormat.MINDRECORD], 'dataset', 'PrepareDataset makes it');
      const request = modelStepRequest(id, props);
      const task = props.runtime._step('evaluate', { ...request, dataset, evalFile, batchSize, minimumScores, settings });
      return renderStepJob(this, task, props, props.accelerator, { ...request, batchSize });
    });
  }
}

function checkScores(scores: Readonly<Record<string, number>>): void {
  for (const [metric, value] of Object.entries(scores)) {
    if (!/^[A-Za-z][\w-]*$/.test(metric) || !Number.isFinite(value)) {
      throw new Error(`'minimumScores' has '${metric}': a metric's name like 'rouge-l' and a number are needed, got ${String(value)}`);
    }
  }
}
