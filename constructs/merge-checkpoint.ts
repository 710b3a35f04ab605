import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import { checkGiven } from '../lib/required-props';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** Checkpoints of many ranks to make one. */
export interface MergeCheckpointProps extends JobOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that trained it. */
  readonly runtime: Runtime;
  /** The checkpoints of all ranks, as a fine-tune leaves them. */
  readonly from: Artifact;
  /** Where the tokenizer comes from: the checkpoint that the fine-tune started from. */
  readonly base: Artifact;

  /**
   * Strategy files, where those of the fine-tune do not tell the layout of all parameters: MindSpore before 2.0 leaves out frozen ones.
   *
   * @default - those of `from`
   */
  readonly strategy?: Artifact;

  /**
   * The store that gets the checkpoint.
   *
   * @default - that of `from`
   */
  readonly store?: IArtifactStore;
}

/**
 * A Job that merges the checkpoints of the newest step that all ranks have saved into one file, by the strategy files of the run, on the
 * processor alone. The state of the optimizer is left behind. What it reads is mounted read-only where the store allows, and never changed.
 */
export class MergeCheckpoint extends Construct {
  /** The checkpoint and its tokenizer. */
  public readonly artifact: Artifact;

  /**
   * @throws if the artifacts are of other formats, or the runtime's MindSpore cannot merge and no other image is given
   */
  constructor(scope: Construct, id: string, props: MergeCheckpointProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      checkGiven(props, 'model', 'runtime', 'from', 'base');
      const { model, runtime, from, base, strategy, store = from.store } = props;
      from._require([ArtifactFormat.MINDSPORE_SHARDS], 'from', 'FinetuneJob makes them');
      base._require([ArtifactFormat.MINDSPORE], 'base', 'give the checkpoint that the fine-tune started from');
      strategy?._require([ArtifactFormat.MINDSPORE_SHARDS], 'strategy', 'a FinetuneJob with \'onlyStrategy\' makes them');
      return renderStepJob(this, runtime._step('merge', { model, from, base, strategy, output: outputOf(id, store) }), props);
    });
  }
}
