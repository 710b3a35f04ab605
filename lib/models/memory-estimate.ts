import { Dtype } from '../accelerators/dtype';
import type { GlmModel } from './glm-model';

/** What is done with the model. */
export enum MemoryTask {
  /** Text is generated from it. */
  INFERENCE = 'inference',
  /** It is trained: all its parameters, or adapters beside them. */
  FINETUNE = 'fine-tune',
}

/** What an estimate depends on. */
export interface MemoryEstimateProps {
  /** The model. */
  readonly model: GlmModel;
  /** Precision of the weights. */
  readonly dtype: Dtype;
  /** What is done with it. */
  readonly task: MemoryTask;
  /** Tokens of one sequence, prompt and answer together. */
  readonly seqLength: number;
  /** Sequences at a time on one data-parallel replica. */
  readonly batch: number;
  /** Devices that work together. */
  readonly devices: number;

  /**
   * Devices that one replica of the model is split over (model parallel times pipeline stages).
   *
   * @default - all `devices` for inference, 1 for training
   */
  readonly devicesPerReplica?: number;

  /**
   * Whether activations are computed again in the backward pass.
   *
   * @default true
   */
  readonly recompute?: boolean;

  /**
   * Whether the optimizer's state is split over the data-parallel replicas.
   *
   * @default true
   */
  readonly optimizerParallel?: boolean;

  /**
   * Parameters of low-rank adapters, which are trained while those of the model are frozen. For fine-tuning only.
   *
   * @default - no adapters: all parameters of the model are trained
   */
  readonly adapterParameters?: number;
}

const WEIGHT_BYTES: Readonly<Record<Dtype, number>> = {
  [Dtype.FLOAT32]: 4, [Dtype.FLOAT16]: 2, [Dtype.BFLOAT16]: 2, [Dtype.INT8]: 1,
  // Half a byte, and a 16-bit scale for each group of 64 weights.
  [Dtype.INT4]: 0.5 + 2 / 64,
};

/** Runtime, kernels and communication buffers of one device. */
const WORKSPACE_BYTES = 768 * 2 ** 20;

/** Bytes that 16-bit activations of one layer take for one token, per hidden unit, when they are kept for the backward pass. */
const ACTIVATION_FACTOR = 34;

/**
 * Memory that one device needs, in bytes.
 *
 * Inference: `weights / n + batch * seqLength * kv / min(n, kvHeads) + 768 MiB`, where `n` is the devices of a replica and `kv`
 * the bytes of keys and values of a token. Quantized weights keep embedding and output layer in 16 bits. For ChatGLM3-6B on
 * BM1684X it gives 12.4, 7.1 and 4.6 GiB in f16, int8 and int4; sophgo/sophon-demo@c7c94bb0 asks for 12.5, 7.0 and 4.5 GiB.
 *
 * Fine-tuning in 16 bits with an Adam whose two states are 32-bit: `2 p + 2 p` for weights and gradients of the replica's
 * share `p`, `8 p` for the states (divided by the data-parallel replicas when the optimizer is split), activations of
 * `batch * seqLength * hidden` (2 bytes a layer when recomputed plus one whole layer, else `34` bytes a layer), three
 * 32-bit copies of the logits, and 768 MiB. It is made to refuse what cannot work, not to tell the last gigabyte.
 *
 * Fine-tuning adapters: `2 p` for the frozen weights, and `2 a + 2 a + 8 a` for weights, gradients and states of the replica's share `a` of the adapters, the
 * states divided as above. Frozen parameters have neither gradients nor states: `freeze_pretrained_model` takes them out of `trainable_params()`, and the
 * optimizer gets only those (mindformers@3354237 mindformers/pet/tuners/pet_adapter.py, trainer/optimizer_grouped_parameters.py; arXiv 2106.09685, 4.2).
 * Activations and logits are counted as for all parameters, because gradients go back through every layer to the first adapter.
 */
export class MemoryEstimate {
  /**
   * Estimates the memory of one device.
   *
   * @returns bytes
   * @throws if a number is not a whole number from 1, or the devices of a replica do not divide `devices`
   */
  public static bytesPerDevice(props: MemoryEstimateProps): number {
    const { devices, devicesPerReplica = props.task === MemoryTask.INFERENCE ? devices : 1 } = props;
    for (const [name, value] of Object.entries({ devices, devicesPerReplica, seqLength: props.seqLength, batch: props.batch, adapterParameters: props.adapterParameters ?? 1 })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new Error(`'${name}' of a memory estimate must be a whole number from 1, got ${String(value)}`);
      }
    }
    if (devices % devicesPerReplica !== 0) {
      throw new Error(`'devicesPerReplica' must divide 'devices', got ${String(devicesPerReplica)} and ${String(devices)}`);
    }
    const bytes = props.task === MemoryTask.INFERENCE ? inference(props, devicesPerReplica) : finetune(props, devicesPerReplica);
    return Math.ceil(bytes + WORKSPACE_BYTES);
  }

  private constructor() {}
}

function inference({ model, dtype, seqLength, batch }: MemoryEstimateProps, n: number): number {
  const kv = batch * seqLength * model.kvBytesPerToken / Math.min(n, model.shape.kvHeads);
  return weightsBytes(model, dtype) / n + kv;
}

/** Bytes of the weights in a precision; integers leave the embedding and the output layer in 16 bits. */
export function weightsBytes(model: GlmModel, dtype: Dtype): number {
  const ends = dtype === Dtype.INT8 || dtype === Dtype.INT4 ? 2 * model.shape.vocabSize * model.shape.hiddenSize : 0;
  return (model.parameters - ends) * WEIGHT_BYTES[dtype] + ends * 2;
}

function finetune(props: MemoryEstimateProps, n: number): number {
  const { model, dtype, seqLength, batch, devices, recompute = true, optimizerParallel = true, adapterParameters } = props;
  const weights = (model.parameters + (adapterParameters ?? 0)) / n;
  const trained = (adapterParameters ?? model.parameters) / n;
  const states = 8 * trained / (optimizerParallel ? devices / n : 1);
  const tokens = batch * seqLength;
  const layer = tokens * model.shape.hiddenSize * ACTIVATION_FACTOR / n;
  const activations = recompute ? tokens * model.shape.hiddenSize * 2 * model.shape.layers + layer : layer * model.shape.layers;
  const logits = 3 * 4 * tokens * model.shape.vocabSize / n;
  return (weights + trained) * WEIGHT_BYTES[dtype] + states + activations + logits;
}
