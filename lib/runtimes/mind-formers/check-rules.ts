import type { GlmShape } from '../../models/glm-model';
import type { FinetuneRequest, FinetuneSettings } from '../runtime-dialect';
import type { MindFormersConfiguration } from './configuration';
import type { ResolvedFinetune } from './resolved-finetune';

/**
 * The rules of MindFormers' `check_rules` (mindformers@3354237 mindformers/tools/check_rules.py) and of its models, which fail only after minutes on the
 * devices, and the length rule is skipped by run_mindformer.py.
 */

const COUNTS = [
  'epochs', 'batchSize', 'seqLength', 'maxSourceLength', 'maxTargetLength', 'dataParallel', 'modelParallel', 'pipelineStages', 'saveSteps',
] as const;

/** Checkpoints that are kept at least: the newest may be half written when the job is stopped. */
const LEAST_CHECKPOINTS = 2;

/** Each number by itself. */
export function checkNumbers({ learningRate, keepCheckpoints, ...settings }: FinetuneSettings): void {
  for (const [name, value] of COUNTS.map((count) => [count, settings[count]] as const)) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
      throw new Error(`'${name}' must be a whole number from 1, got ${String(value)}`);
    }
  }
  if (keepCheckpoints !== undefined && (!Number.isInteger(keepCheckpoints) || keepCheckpoints < LEAST_CHECKPOINTS)) {
    throw new Error(`'keepCheckpoints' must be a whole number from ${String(LEAST_CHECKPOINTS)}, got ${String(keepCheckpoints)}: the newest may be half written when the job is stopped`);
  }
  if (learningRate !== undefined && !(learningRate >= 1e-10 && learningRate < 1)) {
    throw new Error(`'learningRate' must be from 1e-10 to below 1, got ${String(learningRate)}`);
  }
}

/**
 * Every fine-tune configuration of every version falls polynomially to this rate, and refuses to begin below it (mindformers@3354237 mindformers/core/lr/lr_schedule.py,
 * PolynomialWithWarmUpLR; `lr_end` in configs/glm, glm2 and glm3).
 */
const LAST_LEARNING_RATE = '1.e-6';

/** The rate that the schedule begins with against the one that it ends with. */
export function checkSchedule({ learningRate, settings = {} }: FinetuneSettings): void {
  const { 'lr_schedule.type': type = 'polynomial', 'lr_schedule.lr_end': end = LAST_LEARNING_RATE } = settings;
  if (learningRate !== undefined && type === 'polynomial' && learningRate <= Number(end)) {
    throw new Error(`'learningRate' must be above ${end}, where the schedule ends, got ${String(learningRate)}; give 'lr_schedule.lr_end' a lower value in 'settings'`);
  }
}

type Split = Pick<ResolvedFinetune, 'dataParallel' | 'modelParallel' | 'pipelineStages'>;

/** The split against devices and model. */
export function checkParallel({ dataParallel, modelParallel, pipelineStages }: Split, devices: number, { layers, heads }: GlmShape): void {
  const product = dataParallel * modelParallel * pipelineStages;
  if (product === devices && !Number.isInteger(dataParallel)) {
    throw new Error(`'modelParallel' * 'pipelineStages' must divide ${String(devices)}, the devices of the job, got ${String(modelParallel)} * ${String(pipelineStages)} = ${String(modelParallel * pipelineStages)}`);
  }
  if (product !== devices) {
    throw new Error(`'dataParallel' * 'modelParallel' * 'pipelineStages' must be ${String(devices)}, the devices of the job, got `
      + `${String(dataParallel)} * ${String(modelParallel)} * ${String(pipelineStages)} = ${String(product)}`);
  }
  if (pipelineStages > layers) {
    throw new Error(`'pipelineStages' must be at most ${String(layers)}, the layers of the model, got ${String(pipelineStages)}`);
  }
  if (heads % modelParallel !== 0) {
    throw new Error(`'modelParallel' must divide ${String(heads)}, the attention heads of the model, got ${String(modelParallel)}`);
  }
}

type Lengths = Pick<ResolvedFinetune, 'seqLength' | 'maxSourceLength' | 'maxTargetLength' | 'flashAttention'>;

/** The lengths against data, model and kernels. */
export function checkLengths(lengths: Lengths, { data, file, keys }: MindFormersConfiguration, { model, accelerator }: FinetuneRequest): void {
  const { seqLength, maxSourceLength, maxTargetLength, flashAttention } = lengths;
  const sum = maxSourceLength + maxTargetLength + data.extraTokens;
  if (!data.multiTurn && seqLength !== sum) {
    throw new Error(`'seqLength' must be 'maxSourceLength' + 'maxTargetLength'${data.extraTokens === 0 ? '' : ` + ${String(data.extraTokens)}`} = ${String(sum)}, got ${String(seqLength)}`);
  }
  if (seqLength > model.maxSequenceLength) {
    throw new Error(`'seqLength' must be at most ${String(model.maxSequenceLength)} for ${model.name}, got ${String(seqLength)}`);
  }
  if (!flashAttention) {
    return;
  }
  if (!keys.has('model.model_config.use_flash_attention')) {
    throw new Error(`'flashAttention' is not possible with ${file}, whose model has no such kernel; leave it out`);
  }
  if (accelerator.series === '910A') {
    throw new Error(`'flashAttention' is not possible on ${accelerator.name}, which has no such kernel; leave it out`);
  }
  if (seqLength % 16 !== 0) {
    throw new Error(`'seqLength' must be a multiple of 16 with 'flashAttention', got ${String(seqLength)}`);
  }
}
