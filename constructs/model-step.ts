import type { Accelerator } from '../lib/accelerators/accelerator';
import type { DeviceOptions } from '../lib/accelerators/device-options';
import { Dtype } from '../lib/accelerators/dtype';
import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { GlmModel } from '../lib/models/glm-model';
import { checkGiven } from '../lib/required-props';
import type { Runtime } from '../lib/runtimes/runtime';
import type { ModelStepRequest } from '../lib/runtimes/step-requests';
import type { WorkloadOptions } from '../lib/workload-options';
import { type JobOptions, outputOf } from './step-job';

/** A pod that computes with a model. */
export interface ModelOptions extends WorkloadOptions, DeviceOptions {
  /** The model. */
  readonly model: GlmModel;
  /** The software that runs it. */
  readonly runtime: Runtime;
  /** The weights, in the format that the runtime reads. */
  readonly weights: Artifact;

  /**
   * The chip.
   *
   * @default - none, which only runtimes without devices can do
   */
  readonly accelerator?: Accelerator;

  /**
   * Devices of the pod; the model is split over them.
   *
   * @default - 1 with an accelerator, else 0
   */
  readonly devices?: number;

  /**
   * Precision of the weights.
   *
   * @default Dtype.FLOAT16
   */
  readonly dtype?: Dtype;

  /**
   * The longest sequence in tokens, prompt and answer together.
   *
   * @default - 2048, or the model's if that is less
   */
  readonly contextLength?: number;
}

/** A Job that computes with a model. */
export interface ModelStepOptions extends ModelOptions, JobOptions {
  /**
   * The store that gets the result.
   *
   * @default - that of the weights
   */
  readonly store?: IArtifactStore;
}

/**
 * What a runtime is asked with.
 *
 * @throws if a number is out of range, or there are devices without a chip
 */
export function modelStepRequest(id: string, props: ModelStepOptions): ModelStepRequest {
  const request = modelRequest(props);
  return { ...request, output: outputOf(id, props.store ?? request.weights.store) };
}

/** The same for a task that makes no artifact. */
export function modelRequest(props: ModelOptions): Omit<ModelStepRequest, 'output'> {
  checkGiven(props, 'model', 'runtime', 'weights');
  const { model, weights, accelerator, dtype = Dtype.FLOAT16 } = props;
  const { devices = accelerator === undefined ? 0 : 1, contextLength = Math.min(2048, model.maxSequenceLength) } = props;
  checkWhole('devices', devices, accelerator === undefined ? 0 : 1);
  checkChip(accelerator, devices, dtype);
  if (!Number.isInteger(contextLength) || contextLength < 1 || contextLength > model.maxSequenceLength) {
    throw new Error(`'contextLength' must be a whole number from 1 to ${String(model.maxSequenceLength)} for ${model.name}, got ${String(contextLength)}`);
  }
  return { model, weights, accelerator, devices, dtype, contextLength };
}

function checkChip(accelerator: Accelerator | undefined, devices: number, dtype: Dtype): void {
  if (accelerator === undefined && devices > 0) {
    throw new Error(`'devices' is ${String(devices)}, but no 'accelerator' says of what`);
  }
  if (accelerator?.dtypes.includes(dtype) === false) {
    throw new Error(`'dtype' must be one of ${accelerator.dtypes.join(', ')} on ${accelerator.name}, got ${dtype}`);
  }
}

/** Throws unless it is a whole number that is large enough, or left out. */
export function checkWhole(prop: string, value: number | undefined, least = 1): void {
  if (value !== undefined && (!Number.isInteger(value) || value < least)) {
    throw new Error(`'${prop}' must be a whole number from ${String(least)}, got ${String(value)}`);
  }
}
