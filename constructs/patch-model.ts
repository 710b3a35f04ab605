import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { holdingSame } from '../lib/artifacts/held-model';
import { checkImage } from '../lib/image';
import type { ModelPatch } from '../lib/models/model-patch';
import { PYTHON_IMAGE } from '../lib/pods/scripts';
import { SecurityLevel } from '../lib/pods/security-level';
import { scriptStep } from '../lib/runtimes/script-step';
import type { StepTask } from '../lib/runtimes/task';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** A model to change. */
export interface PatchModelProps extends JobOptions {
  /** The weights, as published. They stay as they are. */
  readonly weights: Artifact;

  /**
   * Changes of the remote code.
   *
   * @default - none
   */
  readonly patches?: ModelPatch[];

  /**
   * Top-level values of `config.json`, e.g. `{ seq_length: 512 }`.
   *
   * @default - none
   */
  readonly config?: { [key: string]: any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- JSON values; jsii has no unknown

  /**
   * The store that gets the changed model.
   *
   * @default - that of the weights; its large files are then links to theirs
   */
  readonly store?: IArtifactStore;

  /**
   * An image with Python 3.7 or later.
   *
   * @default - a small public Python image
   */
  readonly image?: string;
}

/** A Job that makes a changed copy of a model: of its remote code, of its configuration, or of both. */
export class PatchModel extends Construct {
  /** The changed model. */
  public readonly artifact: Artifact;

  /**
   * @throws if nothing is to change, or the weights are of another format
   */
  constructor(scope: Construct, id: string, props: PatchModelProps) {
    super(scope, id);
    this.artifact = holdingSame(located(this, () => renderStepJob(this, patchTask(id, props), props)), props.weights);
  }
}

function patchTask(id: string, props: PatchModelProps): StepTask {
  const { weights, patches = [], config = {}, store = weights.store, image = PYTHON_IMAGE } = props;
  weights._require([ArtifactFormat.HUGGING_FACE], 'weights', 'DownloadWeights makes them');
  checkImage('image', image);
  if (patches.length === 0 && Object.keys(config).length === 0) {
    throw new Error('there is nothing to change: give \'patches\' or \'config\'');
  }
  const names = patches.map(({ name }) => name);
  const output = outputOf(id, store)(ArtifactFormat.HUGGING_FACE, { patches: names, config: config, weights: weights.lineage });
  const settings = Object.entries(config).flatMap(([key, value]) => ['--set', `${checkKey(key)}=${JSON.stringify(value)}`]);
  return scriptStep({
    name: 'patch', runtime: 'patch', image, output, inputs: [weights], require: ['config.json'],
    script: names.length > 0 ? 'patch_modeling' : 'patch_config',
    words: ['--source', weights.path, '--output', output.path, ...names.flatMap((name) => ['--patch', name]), ...settings],
    cpus: 1, gibibytes: 1, security: SecurityLevel.RESTRICTED,
  });
}

function checkKey(key: string): string {
  if (!/^[A-Za-z_]\w*$/.test(key)) {
    throw new Error(`'config' has '${key}': a top-level key of config.json is needed, like 'seq_length'`);
  }
  return key;
}
