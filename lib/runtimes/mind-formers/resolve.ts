import type { FinetuneRequest, FinetuneSettings } from '../runtime-dialect';
import { trainedAdapters } from './adapters';
import { checkLengths, checkNumbers, checkParallel, checkSchedule } from './check-rules';
import type { MindFormersConfiguration, MindFormersModel } from './configuration';
import type { ResolvedFinetune } from './resolved-finetune';
import { checkSettings } from './settings';
import type { MindFormersVersion } from './version';

/** How many processes of a rank read data, in all configurations. */
const DATA_WORKERS = 8;
const WORKERS_KEY = 'train_dataset.num_parallel_workers';

/** Completes and checks the settings of a fine-tune. */
export function resolveFinetune(request: FinetuneRequest, version: MindFormersVersion): ResolvedFinetune {
  const { settings } = request;
  const model = modelOf(request.model.name, version);
  const configuration = configurationOf(request, model, version);
  checkNumbers(settings);
  checkSettings(settings.settings ?? {}, { ...configuration, release: version.name });
  checkSchedule(settings);
  const devices = request.devicesPerNode * request.nodes;
  const { epochs = configuration.epochs, batchSize = configuration.batchSize, modelParallel = configuration.modelParallel, pipelineStages = 1 } = settings;
  const dataParallel = settings.dataParallel ?? devices / (modelParallel * pipelineStages);
  const split = { dataParallel, modelParallel, pipelineStages };
  checkParallel(split, devices, request.model.shape);
  const lengths = lengthsOf(settings, configuration);
  const { recompute = configuration.recompute, flashAttention = configuration.flashAttention } = settings;
  checkLengths({ ...lengths, flashAttention }, configuration, request);
  const numbers = { epochs, batchSize, ...lengths, ...split, recompute, flashAttention };
  const dataWorkers = dataWorkersOf(settings);
  const adapters = trainedAdapters(model, configuration, settings);
  return { model, configuration, ...numbers, adapters, dataWorkers, overrides: dottedOverrides(numbers, configuration, settings) };
}

function dataWorkersOf({ settings = {} }: FinetuneSettings): number {
  const given = settings[WORKERS_KEY] ?? String(DATA_WORKERS);
  if (!/^[1-9]\d{0,3}$/.test(given)) {
    throw new Error(`'settings' has '${WORKERS_KEY}', which must be a whole number from 1 to 9999, got '${given}'`);
  }
  return Number(given);
}

/** What a version knows of a model. */
export function modelOf(name: string, version: MindFormersVersion): MindFormersModel {
  const model = version._row.models[name];
  if (model === undefined) {
    throw new Error(`MindFormers ${version.name} has no fine-tune configuration for ${name}; it has ${version.models.join(', ')}`);
  }
  return model;
}

function configurationOf({ configuration, lora, accelerator, model: { name } }: FinetuneRequest, model: MindFormersModel, version: MindFormersVersion): MindFormersConfiguration {
  const trained = model.configurations.filter((each) => each.lora === lora);
  const names = [...new Set(trained.map((each) => each.name))];
  const wanted = configuration ?? names[0];
  const named = trained.filter((each) => each.name === wanted);
  if (named.length === 0) {
    throw new Error(`'configuration' of ${name}${lora ? ' with \'lora\'' : ''} must be one of ${names.join(', ')} in MindFormers ${version.name}, got '${String(wanted)}'`);
  }
  const fitting = named.find(({ series }) => series.includes(accelerator.series));
  if (fitting === undefined) {
    const series = [...new Set(named.flatMap((each) => each.series))];
    throw new Error(`${String(named[0]?.file)} of MindFormers ${version.name} is written for ${series.join(', ')}, not for ${accelerator.name}`);
  }
  return fitting;
}

type Lengths = Pick<ResolvedFinetune, 'seqLength' | 'maxSourceLength' | 'maxTargetLength'>;

function lengthsOf(settings: FinetuneSettings, { data, name, ...configuration }: MindFormersConfiguration): Lengths {
  if (data.multiTurn) {
    const given = ['maxSourceLength', 'maxTargetLength'].find((prop) => settings[prop as keyof FinetuneSettings] !== undefined);
    if (given !== undefined) {
      throw new Error(`'${given}' is not possible with the configuration '${name}': conversations are cut to 'seqLength' as a whole`);
    }
    const { seqLength = configuration.maxTargetLength } = settings;
    return { seqLength, maxSourceLength: 0, maxTargetLength: seqLength };
  }
  const { maxSourceLength = configuration.maxSourceLength, maxTargetLength = configuration.maxTargetLength } = settings;
  return { seqLength: settings.seqLength ?? maxSourceLength + maxTargetLength + data.extraTokens, maxSourceLength, maxTargetLength };
}

type Numbers = Omit<ResolvedFinetune, 'model' | 'configuration' | 'overrides' | 'adapters' | 'dataWorkers'>;

function dottedOverrides(numbers: Numbers, configuration: MindFormersConfiguration, { learningRate, recompute, flashAttention, settings = {} }: FinetuneSettings): Record<string, string> {
  return {
    'model.model_config.seq_length': String(numbers.seqLength),
    ...dataLengths(numbers, configuration),
    'parallel_config.data_parallel': String(numbers.dataParallel),
    'parallel_config.model_parallel': String(numbers.modelParallel),
    'parallel_config.pipeline_stage': String(numbers.pipelineStages),
    // A pipeline needs at least as many micro batches as stages; the configuration has one.
    ...(numbers.pipelineStages > 1 && { 'parallel_config.micro_batch_num': String(numbers.pipelineStages) }),
    ...(learningRate !== undefined && { 'lr_schedule.learning_rate': decimal(learningRate) }),
    ...(recompute !== undefined && { 'recompute_config.recompute': pythonBoolean(recompute) }),
    ...(flashAttention !== undefined && { 'model.model_config.use_flash_attention': pythonBoolean(flashAttention) }),
    ...settings,
  };
}

/** MindRecord files have their lengths in them. */
function dataLengths({ seqLength, maxSourceLength, maxTargetLength }: Numbers, { data }: MindFormersConfiguration): Record<string, string> {
  if (data.files === 'mindrecord') {
    return {};
  }
  return data.multiTurn
    ? { 'train_dataset.max_seq_length': String(seqLength) }
    : { 'train_dataset.max_source_length': String(maxSourceLength), 'train_dataset.max_target_length': String(maxTargetLength) };
}

/** As YAML 1.1 and MindFormers' `str2bool` read it. */
export function pythonBoolean(value: boolean): string {
  return value ? 'True' : 'False';
}

/** Without an exponent, which YAML 1.1 readers take for text when it has no dot. */
function decimal(value: number): string {
  return value.toFixed(12).replace(/0+$/, '');
}
