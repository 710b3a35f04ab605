import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { DatasetKind } from '../lib/artifacts/dataset-kind';
import type { GlmModel } from '../lib/models/glm-model';
import { checkGiven } from '../lib/required-props';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { checkWhole } from './model-step';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** Files to make a data set from. */
export interface PrepareDatasetProps extends JobOptions {
  /** The model that it will train. */
  readonly model: GlmModel;
  /** The software that will read it. */
  readonly runtime: Runtime;
  /** The files as downloaded. */
  readonly from: Artifact;

  /**
   * How they are written.
   *
   * @default DatasetKind.ADGEN
   */
  readonly kind?: DatasetKind;

  /**
   * The file for training, in `from`.
   *
   * @default - the kind's: `train.json`, or `data/train_data.json` for ToolAlpaca
   */
  readonly trainFile?: string;

  /**
   * The file for evaluation, in `from`.
   *
   * @default - the kind's: `dev.json`, or none for ToolAlpaca
   */
  readonly evalFile?: string;

  /**
   * Names of the prompt's and the answer's column of JSON lines.
   *
   * @default - `content` and `summary`
   */
  readonly columns?: string[];

  /**
   * Holds the tokenizer, by which the lengths of all texts are counted: the report tells percentiles and the `seqLength` to choose.
   *
   * @default - none: lengths are not counted
   */
  readonly tokenizer?: Artifact;

  /**
   * Make MindRecord files, which have fixed lengths. MindFormers c8a5808 reads no others. `tokenizer` is needed.
   *
   * @default false
   */
  readonly mindRecord?: boolean;

  /**
   * Tokens of prompt and answer in the MindRecord file for training.
   *
   * @default [64, 64]
   */
  readonly trainLengths?: number[];

  /**
   * Tokens of prompt and answer in the MindRecord file for evaluation.
   *
   * @default [256, 256]
   */
  readonly evalLengths?: number[];

  /**
   * The store that gets the data set.
   *
   * @default - that of `from`
   */
  readonly store?: IArtifactStore;
}

/**
 * A Job that checks a data set line by line and writes it as the trainer reads it: `train.json` and `dev.json`, or `train.mindrecord` and
 * `eval.mindrecord`. What is wrong is named by file and line.
 */
export class PrepareDataset extends Construct {
  /** The data set. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime reads no such data, or MindRecord files are wanted without a tokenizer
   */
  constructor(scope: Construct, id: string, props: PrepareDatasetProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      checkGiven(props, 'model', 'runtime', 'from');
      const { model, runtime, from, kind = DatasetKind.ADGEN, columns, tokenizer, store = from.store } = props;
      const { trainFile = kind.trainFile, evalFile = kind.evalFile } = props;
      checkColumns(kind, columns);
      from._require([ArtifactFormat.DATASET, ArtifactFormat.SOURCE_TREE], 'from', 'DownloadFiles with ArtifactFormat.DATASET makes it');
      return renderStepJob(this, runtime._step('dataset', {
        model, from, kind: kind.name, trainFile, evalFile, columns, tokenizer, mindRecord: mindRecord(props), output: outputOf(id, store),
      }), props);
    });
  }
}

function checkColumns({ name }: DatasetKind, columns: readonly string[] | undefined): void {
  if (columns === undefined) {
    return;
  }
  if (name !== DatasetKind.JSON_LINES.name) {
    throw new Error(`'columns' are for DatasetKind.JSON_LINES, and 'kind' is ${name}, whose columns have names already; leave them out`);
  }
  if (new Set(columns).size !== 2 || columns.length !== 2 || columns.some((column) => !/^[^,\s]([^,]*[^,\s])?$/.test(column))) {
    throw new Error(`'columns' must be two different names without a comma, of the prompt and of the answer, got [${columns.join(', ')}]`);
  }
}

function mindRecord(props: PrepareDatasetProps): { train: readonly [number, number]; evaluation: readonly [number, number] } | undefined {
  const { mindRecord: wanted = false, trainLengths = [64, 64], evalLengths = [256, 256], tokenizer } = props;
  if (!wanted) {
    return undefined;
  }
  if (tokenizer === undefined) {
    throw new Error('\'tokenizer\' is missing: MindRecord files hold token ids; give the checkpoint, which has the tokenizer beside it');
  }
  return { train: pair('trainLengths', trainLengths), evaluation: pair('evalLengths', evalLengths) };
}

function pair(prop: string, lengths: readonly number[]): readonly [number, number] {
  const [source, target, ...others] = lengths;
  if (source === undefined || target === undefined || others.length > 0) {
    throw new Error(`'${prop}' must be two numbers, tokens of prompt and answer, got [${lengths.join(', ')}]`);
  }
  checkWhole(prop, source);
  checkWhole(prop, target);
  return [source, target];
}
