import type { Accelerator } from '../accelerators/accelerator';
import { Dtype } from '../accelerators/dtype';
import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';

/** Names of the runtime in errors and labels. */
export const ATB_MODELS = 'atb-models';

/** Tensor-parallel sizes by chip series (ModelLink@839b2483 and MindIE-LLM@8b4871ad, world sizes of ChatGLM2). */
const WORLD_SIZES: Readonly<Record<string, readonly number[]>> = { '310P': [1, 2, 4], '910B': [1, 2, 4, 8] };

/** generate_compress_weight.py knows two devices only, and the sparse kernels the Atlas 300I Duo only (ModelLink@839b2483). */
const SPARSE_DEVICES = 2;
const SPARSE_CARD = '300I Duo';

/** Weights as the scripts of `container/atb` want to be told about them. */
export interface AtbWeights {
  readonly precision: 'float' | 'w8a8' | 'sparse';
  /** The folder that the model runs from. */
  readonly model: Artifact;
  /** What compress_weights.py made, for sparse weights. */
  readonly compressed?: Artifact | undefined;
}

/** What this library made shards for, and which shards a compressed artifact belongs to. */
const DEVICES = new WeakMap<Artifact, number>();
const SHARDS = new WeakMap<Artifact, Artifact>();

/** Notes for how many devices shards are. */
export function madeFor(shards: Artifact, devices: number): Artifact {
  DEVICES.set(shards, devices);
  return shards;
}

/** Notes which shards compressed weights belong to. */
export function madeFrom(compressed: Artifact, shards: Artifact): Artifact {
  SHARDS.set(compressed, shards);
  return compressed;
}

/** Formats that the model runs from, beside the published weights. */
export const RUNNABLE_FORMATS = [ArtifactFormat.ATB_SHARDED, ArtifactFormat.ATB_QUANTIZED_SHARDED, ArtifactFormat.ATB_COMPRESSED];

/**
 * What an artifact is to the scripts.
 *
 * @throws if it does not go with the devices, the precision or the chip
 */
export function atbWeights(weights: Artifact, devices: number, dtype: Dtype, accelerator?: Accelerator): AtbWeights {
  weights._require([ArtifactFormat.HUGGING_FACE, ...RUNNABLE_FORMATS], 'weights', 'ShardWeights cuts published weights, CompressWeights compresses sparse ones');
  const found = described(weights);
  checkDevices(found, devices);
  checkDtype(found, dtype, weights);
  if (found.precision === 'sparse') {
    checkSparse(devices, accelerator);
  }
  return found;
}

function described(weights: Artifact): AtbWeights {
  if (weights.format.name !== ArtifactFormat.ATB_COMPRESSED.name) {
    return { model: weights, precision: weights.format.name === ArtifactFormat.ATB_QUANTIZED_SHARDED.name ? 'w8a8' : 'float' };
  }
  const shards = SHARDS.get(weights);
  if (shards === undefined) {
    throw new Error(`'weights' ${weights.directory} are compressed, but the shards that they belong to are not known; use the artifact of CompressWeights`);
  }
  return { model: shards, compressed: weights, precision: 'sparse' };
}

function checkDevices({ model, precision }: AtbWeights, devices: number): void {
  const made = DEVICES.get(model);
  if (made !== undefined && made !== devices) {
    throw new Error(`'devices' is ${String(devices)}, but the weights ${model.directory} were cut for ${String(made)}; cut them again by ShardWeights`);
  }
  if (devices > 1 && precision === 'float' && model.format.name === ArtifactFormat.HUGGING_FACE.name) {
    throw new Error(`'weights' must hold atb-sharded for ${String(devices)} devices, got huggingface (${model.directory}); ShardWeights cuts them`);
  }
}

function checkDtype({ precision }: AtbWeights, dtype: Dtype, { format }: Artifact): void {
  const expected = precision === 'float' ? Dtype.FLOAT16 : Dtype.INT8;
  if (dtype !== expected) {
    throw new Error(`'dtype' must be ${expected} for ${String(format)} weights on runtime '${ATB_MODELS}', got ${dtype}`);
  }
}

/** Throws unless sparse weights can run there. */
export function checkSparse(devices: number, accelerator?: Accelerator): void {
  if (accelerator !== undefined && accelerator.card !== SPARSE_CARD) {
    throw new Error(`sparse weights run on an Atlas ${SPARSE_CARD} only, got ${accelerator.name}; use W8A8 weights there`);
  }
  if (devices !== SPARSE_DEVICES) {
    throw new Error(`sparse weights can only be compressed for ${String(SPARSE_DEVICES)} devices, got ${String(devices)}`);
  }
}

/** Throws unless the model can be split over so many devices of the chip. */
export function checkWorldSize(prop: string, devices: number, accelerator?: Accelerator): void {
  const sizes = accelerator === undefined ? [1, 2, 4, 8] : WORLD_SIZES[accelerator.series] ?? [];
  if (!sizes.includes(devices)) {
    const where = accelerator === undefined ? '' : ` on ${accelerator.name}`;
    throw new Error(`'${prop}' must be one of ${sizes.join(', ')} for runtime '${ATB_MODELS}'${where}, got ${String(devices)}`);
  }
}
