/** How a model is trained. */
export interface TrainingOptions {
  /**
   * Train low-rank adapters instead of all parameters.
   *
   * @default false
   */
  readonly lora?: boolean;

  /**
   * Passes over the data.
   *
   * @default - the configuration's
   */
  readonly epochs?: number;

  /**
   * Sequences a step on one data-parallel replica.
   *
   * @default - the configuration's
   */
  readonly batchSize?: number;

  /**
   * The learning rate at the start.
   *
   * @default - the configuration's
   */
  readonly learningRate?: number;

  /**
   * Tokens of one sequence: prompt, answer and one more.
   *
   * @default - `maxSourceLength` + `maxTargetLength` + 1, for ChatGLM-6B without the 1; of conversations the configuration's
   */
  readonly seqLength?: number;

  /**
   * Tokens of the prompt; longer ones are cut.
   *
   * @default - the configuration's
   */
  readonly maxSourceLength?: number;

  /**
   * Tokens of the answer; longer ones are cut.
   *
   * @default - the configuration's
   */
  readonly maxTargetLength?: number;

  /**
   * Copies of the model that train on different data.
   *
   * @default - what the devices leave after model and pipeline parallelism
   */
  readonly dataParallel?: number;

  /**
   * Devices that each layer is split over.
   *
   * @default - the configuration's: 1, for ChatGLM-6B 8, or 4 with `lora` in its first version
   */
  readonly modelParallel?: number;

  /**
   * Groups of devices that hold different layers.
   *
   * @default 1
   */
  readonly pipelineStages?: number;

  /**
   * Compute activations again in the backward pass, which saves most of their memory.
   *
   * @default - the configuration's: on, for ChatGLM-6B off
   */
  readonly recompute?: boolean;

  /**
   * Use the flash attention kernel; not on 910A, and `seqLength` must be a multiple of 16.
   *
   * @default - the configuration's: off, for ChatGLM2-6B on 910B on
   */
  readonly flashAttention?: boolean;

  /**
   * Optimizer steps between two checkpoints. A restarted job goes on from the last step that all ranks have saved.
   *
   * @default - the configuration's
   */
  readonly saveSteps?: number;

  /**
   * Checkpoints that are kept, at least 2: one may be half written when the job is stopped.
   *
   * @default 2
   */
  readonly keepCheckpoints?: number;

  /**
   * Write the logs of CANN and MindSpore at the level that finds faults, to the pod's output. It makes each step slower by far.
   *
   * @default false
   */
  readonly debugLogs?: boolean;

  /**
   * Further values of the runtime's configuration by dotted key, e.g. `runner_config.sink_size`. Keys that have a prop here are refused; the prop is checked.
   *
   * @default - none
   */
  readonly settings?: { [key: string]: string };
}

/** Every one of the options; a new one does not compile until it is there. */
type Every<T> = { readonly [K in keyof Required<T>]: T[K] };

/** These options alone, of props that have more. */
export function trainingOptions(props: TrainingOptions): Every<TrainingOptions> {
  const { lora, epochs, batchSize, learningRate, seqLength, maxSourceLength, maxTargetLength, dataParallel } = props;
  const { modelParallel, pipelineStages, recompute, flashAttention, saveSteps, keepCheckpoints, debugLogs, settings } = props;
  return {
    lora, epochs, batchSize, learningRate, seqLength, maxSourceLength, maxTargetLength, dataParallel,
    modelParallel, pipelineStages, recompute, flashAttention, saveSteps, keepCheckpoints, debugLogs, settings,
  };
}
