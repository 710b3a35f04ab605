import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import type { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import { checkGiven } from '../lib/required-props';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** Weights to bring into another format. */
export interface ConvertCheckpointProps extends JobOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that knows both formats. */
  readonly runtime: Runtime;
  /** The weights. */
  readonly from: Artifact;

  /**
   * The wanted format.
   *
   * @default - what the runtime serves; for weights that are in that format already, Hugging Face's
   */
  readonly to?: ArtifactFormat;

  /**
   * Where configuration, remote code and tokenizer come from: the base model as downloaded. Only on the way to Hugging Face's format.
   *
   * @default - none
   */
  readonly base?: Artifact;

  /**
   * The checkpoint's file in `from`. Only on the way to Hugging Face's format.
   *
   * @default - the runtime's name of the model with `.ckpt`, e.g. `glm3_6b.ckpt`
   */
  readonly checkpointFile?: string;

  /**
   * The `lora_alpha` that the checkpoint's adapters were trained with. On the way to Hugging Face's format adapters are put into the weights that they adapt; a
   * checkpoint without adapters needs none.
   *
   * @default - that of the FinetuneJob which `from` was merged of
   */
  readonly loraAlpha?: number;

  /**
   * The store that gets the weights.
   *
   * @default - that of `from`
   */
  readonly store?: IArtifactStore;
}

/**
 * A Job that converts weights: with `Runtime.mindFormers` between Hugging Face's format and MindSpore's, with `Runtime.mindIe` from `.bin` files to safetensors,
 * which are all that MindIE reads. It works on the processor alone: a tensor at a time, so the weights need not fit into memory twice. What a fine-tune with `lora` has
 * trained becomes a plain model on the way to Hugging Face's format: its adapters are put into the weights.
 */
export class ConvertCheckpoint extends Construct {
  /** The weights in the wanted format. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime does not know the two formats, the base model is missing, or nothing tells how adapters were trained
   */
  constructor(scope: Construct, id: string, props: ConvertCheckpointProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      checkGiven(props, 'model', 'runtime', 'from');
      const { model, runtime, from, base, checkpointFile, loraAlpha, store = from.store } = props;
      const to = props.to ?? runtime._converted(from.format);
      return renderStepJob(this, runtime._step('convert', { model, from, to, base, checkpointFile, loraAlpha, output: outputOf(id, store) }), props);
    });
  }
}
