import { Construct } from 'constructs';

import type { Accelerator } from '../lib/accelerators/accelerator';
import type { DevicePlacementOptions } from '../lib/accelerators/device-options';
import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** Weights to cut. */
export interface ShardWeightsProps extends JobOptions, DevicePlacementOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that they are cut for. */
  readonly runtime: Runtime;
  /** The weights in 16 bits. */
  readonly weights: Artifact;
  /** Devices that share them: the `devices` of the server. */
  readonly tensorParallel: number;
  /** The chip; one device does the work. */
  readonly accelerator: Accelerator;

  /**
   * Quantized weights, which are cut instead of those in 16 bits; one device needs them cut, too.
   *
   * @default - none
   */
  readonly quantized?: Artifact;

  /**
   * The store that gets them.
   *
   * @default - that of the weights
   */
  readonly store?: IArtifactStore;
}

/** A Job that cuts weights for the devices that share them. */
export class ShardWeights extends Construct {
  /** The shards, with everything else that the model runs from. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime cannot split a model, or not over so many devices of the chip
   */
  constructor(scope: Construct, id: string, props: ShardWeightsProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { model, runtime, weights, quantized, tensorParallel, accelerator, store = weights.store } = props;
      const request = { model, weights, quantized, tensorParallel, accelerator, output: outputOf(id, store) };
      return renderStepJob(this, runtime._step('shard', request), props, accelerator);
    });
  }
}
