import type { Size } from 'cdk8s';

import type { MindFormersConfiguration, MindFormersVersion } from './mind-formers-version';
import type { FinetuneRequest, FinetuneSettings } from './runtime-dialect';
import type { Definition } from './step-requests';

/** A fine-tune's settings, complete: the configuration's values under the caller's. */
export interface ResolvedFinetune {
  readonly configuration: MindFormersConfiguration;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seqLength: number;
  readonly maxSourceLength: number;
  readonly maxTargetLength: number;
  readonly dataParallel: number;
  readonly modelParallel: number;
  readonly pipelineStages: number;
  /** Dotted keys of the configuration and their values, `settings` last. */
  readonly overrides: Readonly<Record<string, string>>;
  /** What defines the result, for the lineage. */
  readonly definition: Definition;
}

/**
 * Completes and checks the settings of a fine-tune by the rules of MindFormers' `check_rules` (mindformers@3354237
 * mindformers/tools/check_rules.py), which fail only after minutes on the devices.
 */
export function resolveFinetune(request: FinetuneRequest, version: MindFormersVersion): ResolvedFinetune {
  const configuration = version._finetune[request.model.name];
  if (configuration === undefined) {
    throw new Error(`MindFormers ${version.commit.slice(0, 7)} has no fine-tune configuration for ${request.model.name}; it has ${Object.keys(version._finetune).join(', ')}`);
  }
  if (!configuration.series.includes(request.accelerator.series)) {
    throw new Error(`${configuration.file} of MindFormers ${version.commit.slice(0, 7)} is written for ${configuration.series.join(', ')}, not for ${request.accelerator.name}`);
  }
  const { settings, devicesPerNode: devices } = request;
  checkNumbers(settings);
  const { epochs = configuration.epochs, batchSize = configuration.batchSize, modelParallel = 1, pipelineStages = 1 } = settings;
  const { maxSourceLength = configuration.maxSourceLength, maxTargetLength = configuration.maxTargetLength } = settings;
  const dataParallel = settings.dataParallel ?? devices / (modelParallel * pipelineStages);
  checkParallel(dataParallel, modelParallel, pipelineStages, devices, request.model.shape.layers);
  const seqLength = settings.seqLength ?? maxSourceLength + maxTargetLength + 1;
  checkLengths(seqLength, maxSourceLength, maxTargetLength, settings.flashAttention === true, request);
  const numbers = { epochs, batchSize, seqLength, maxSourceLength, maxTargetLength, dataParallel, modelParallel, pipelineStages };
  const overrides = dottedOverrides(numbers, settings);
  return { configuration, ...numbers, overrides, definition: { epochs, batchSize, overrides } };
}

/** What MindSpore may take of a device: 59 of 64 GiB, as the configuration of the 800T A2 says. */
const USABLE_MEMORY = 0.93;

/** The arguments of run_mindformer.py that set the resolved values. Each dotted one is `--key=value`, because the parser pairs by `=`. */
export function finetuneArguments({ epochs, batchSize, overrides }: ResolvedFinetune, tokenizerFile: string, deviceMemory: Size | undefined): string[] {
  const dotted = {
    ...(deviceMemory && { 'context.max_device_memory': `${String(Math.floor(deviceMemory.toGibibytes() * USABLE_MEMORY))}GB` }),
    'train_dataset.tokenizer.vocab_file': tokenizerFile,
    'eval_dataset.tokenizer.vocab_file': tokenizerFile,
    ...overrides,
  };
  return ['--epochs', String(epochs), '--batch_size', String(batchSize), ...Object.entries(dotted).map(([key, value]) => `--${key}=${value}`)];
}

/** Keys of the configuration that props set, so that they are checked. */
const PROPS_OF_KEYS: Readonly<Record<string, string>> = {
  'model.model_config.seq_length': 'seqLength', 'train_dataset.max_source_length': 'maxSourceLength', 'train_dataset.max_target_length': 'maxTargetLength',
  'parallel_config.data_parallel': 'dataParallel', 'parallel_config.model_parallel': 'modelParallel', 'parallel_config.pipeline_stage': 'pipelineStages',
  'lr_schedule.learning_rate': 'learningRate', 'recompute_config.recompute': 'recompute', 'model.model_config.use_flash_attention': 'flashAttention',
  'runner_config.epochs': 'epochs', 'runner_config.batch_size': 'batchSize', 'context.max_device_memory': 'deviceMemory',
};

type Numbers = Omit<ResolvedFinetune, 'configuration' | 'overrides' | 'definition'>;

function checkSettings(settings: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(settings)) {
    const prop = PROPS_OF_KEYS[key];
    if (prop !== undefined) {
      throw new Error(`'settings' has '${key}', which has a prop of its own: set '${prop}', which is checked`);
    }
    if (!/^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/.test(key) || value.includes('=')) {
      throw new Error(`'settings' has '${key}': keys are dotted like 'model.model_config.seq_length', and run_mindformer.py cannot take a value with '=', got '${value}'`);
    }
  }
}

function dottedOverrides(numbers: Numbers, { learningRate, recompute, flashAttention, settings = {} }: FinetuneSettings): Record<string, string> {
  checkSettings(settings);
  return {
    'model.model_config.seq_length': String(numbers.seqLength),
    'train_dataset.max_source_length': String(numbers.maxSourceLength),
    'train_dataset.max_target_length': String(numbers.maxTargetLength),
    'parallel_config.data_parallel': String(numbers.dataParallel),
    'parallel_config.model_parallel': String(numbers.modelParallel),
    'parallel_config.pipeline_stage': String(numbers.pipelineStages),
    // A pipeline needs at least as many micro batches as stages; the configuration has one.
    ...(numbers.pipelineStages > 1 && { 'parallel_config.micro_batch_num': String(numbers.pipelineStages) }),
    ...(learningRate !== undefined && { 'lr_schedule.learning_rate': decimal(learningRate) }),
    ...(recompute !== undefined && { 'recompute_config.recompute': recompute ? 'True' : 'False' }),
    ...(flashAttention !== undefined && { 'model.model_config.use_flash_attention': flashAttention ? 'True' : 'False' }),
    ...settings,
  };
}

/** Without an exponent, which YAML 1.1 readers take for text when it has no dot. */
function decimal(value: number): string {
  return value.toFixed(12).replace(/0+$/, '');
}

const COUNTS = [
  'epochs', 'batchSize', 'seqLength', 'maxSourceLength', 'maxTargetLength', 'dataParallel', 'modelParallel', 'pipelineStages',
] as const;

function checkNumbers({ learningRate, ...settings }: FinetuneSettings): void {
  for (const [name, value] of COUNTS.map((count) => [count, settings[count]] as const)) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1)) {
      throw new Error(`'${name}' must be a whole number from 1, got ${String(value)}`);
    }
  }
  if (learningRate !== undefined && !(learningRate >= 1e-10 && learningRate < 1)) {
    throw new Error(`'learningRate' must be from 1e-10 to below 1, got ${String(learningRate)}`);
  }
}

function checkParallel(dataParallel: number, modelParallel: number, pipelineStages: number, devices: number, layers: number): void {
  const product = dataParallel * modelParallel * pipelineStages;
  if (product !== devices || !Number.isInteger(dataParallel)) {
    throw new Error(`'dataParallel' * 'modelParallel' * 'pipelineStages' must be ${String(devices)}, the devices of the job, got `
      + `${String(dataParallel)} * ${String(modelParallel)} * ${String(pipelineStages)} = ${String(product)}`);
  }
  if (pipelineStages > layers) {
    throw new Error(`'pipelineStages' must be at most ${String(layers)}, the layers of the model, got ${String(pipelineStages)}`);
  }
}

function checkLengths(seqLength: number, source: number, target: number, flashAttention: boolean, { model }: FinetuneRequest): void {
  if (seqLength !== source + target + 1) {
    throw new Error(`'seqLength' must be 'maxSourceLength' + 'maxTargetLength' + 1 = ${String(source + target + 1)}, got ${String(seqLength)}`);
  }
  if (seqLength > model.maxSequenceLength) {
    throw new Error(`'seqLength' must be at most ${String(model.maxSequenceLength)} for ${model.name}, got ${String(seqLength)}`);
  }
  if (flashAttention && seqLength % 16 !== 0) {
    throw new Error(`'seqLength' must be a multiple of 16 with 'flashAttention', got ${String(seqLength)}`);
  }
}
