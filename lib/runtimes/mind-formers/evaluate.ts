import { ArtifactFormat } from '../../artifacts/artifact-format';
import { Dtype } from '../../accelerators/dtype';
import { weightsBytes } from '../../models/memory-estimate';
import { scriptPath } from '../../pods/scripts';
import { SecurityLevel } from '../../pods/security-level';
import { scriptStep } from '../script-step';
import type { EvaluateRequest } from '../step-requests';
import { sharedMemory, type StepTask } from '../task';
import { type Adapters, loadedAdapters, unusualValues } from './adapters';
import type { EvaluationConfiguration } from './configuration';
import { WORK_PATH } from './launch';
import { type MindFormersContext, NAME, startCommand, startScripts } from './options';
import { checkPrepared } from './prepared';
import { MindFormersProgram } from './program';
import { modelOf } from './resolve';
import { checkKeys } from './settings';
import { dataFile, memoryLimit } from './train';
import type { MindFormersVersion } from './version';

/** The devices of an evaluation: it generates text, which MindFormers does on one. */
const DEVICES = 1;
const CPUS = 8;

/** What an evaluation runs, worked out once. */
interface Evaluation {
  readonly request: EvaluateRequest;
  readonly context: MindFormersContext;
  readonly configuration: EvaluationConfiguration;
  /** Those of the weights. */
  readonly adapters: Adapters | undefined;
  /** The dotted values by which they differ from the configuration's. */
  readonly unusual: Readonly<Record<string, string>>;
  readonly checkpoint: string;
  readonly tokenizer: string;
  readonly data: string;
  readonly model: string;
}

/**
 * The scores of a model on a data set: bleu-4, rouge-1, rouge-2 and rouge-l. Batches of 1 by default: c8a5808 is slower with more.
 *
 * c8a5808 and 3354237 drop `--load_checkpoint` and measure the base model, which they download (run_mindformer.py, update_checkpoint_config, of the first;
 * mindformers/trainer/trainer.py, evaluate, of the second); there the checkpoint is named in the configuration.
 */
export function evaluate(request: EvaluateRequest, context: MindFormersContext): StepTask {
  const { model, weights, dataset, devices, accelerator, minimumScores, batchSize = 1, settings } = request;
  checkMetrics(minimumScores);
  if (accelerator === undefined) {
    throw new Error(`'accelerator' is missing: an evaluation with runtime '${NAME}' needs one`);
  }
  if (devices !== DEVICES) {
    throw new Error(`'devices' must be 1 for an evaluation with runtime '${NAME}', got ${String(devices)}`);
  }
  weights._require([ArtifactFormat.MINDSPORE], 'weights', 'MergeCheckpoint or ConvertCheckpoint makes them');
  const evaluation = evaluationOf(request, context);
  const { configuration } = evaluation;
  checkData(evaluation);
  const output = request.output(ArtifactFormat.EVALUATION, {
    runtime: NAME, step: 'evaluate', commit: context.version.commit, program: context.program.name, configuration: configuration.file, lora: String(evaluation.adapters !== undefined), batchSize, settings, data: evaluation.data,
    model: model.name, inputs: [weights, dataset, context.sourceTree].map(({ lineage }) => lineage),
  });
  return scriptStep({
    name: 'evaluate', runtime: NAME, image: context.image, architecture: context.architecture, output, script: 'evaluate',
    inputs: [context.sourceTree, weights, dataset], require: ['result.json'],
    before: startCommand(context, devices),
    words: [
      '--metrics', 'mindformers', '--model', model.name, '--output', output.path,
      ...Object.entries(minimumScores).flatMap(([metric, value]) => ['--minimum', `${metric}=${String(value)}`]), '--', ...program(evaluation, output.path),
    ],
    scripts: ['enter_folder', 'train_rank', ...(context.program === MindFormersProgram.TRAINER ? ['train_glm'] : []), ...startScripts(context, devices)],
    cpus: CPUS, gibibytes: 2 * Math.ceil(weightsBytes(model, Dtype.FLOAT16) / 2 ** 30) + 4, security: SecurityLevel.VENDOR_DEFAULT, devices,
    fragment: workFolder(output.path, context),
  });
}

function evaluationOf(request: EvaluateRequest, context: MindFormersContext): Evaluation {
  const { model, weights, dataset, evalFile } = request;
  const known = modelOf(model.name, context.version);
  const adapters = loadedAdapters(weights, context);
  const configuration = adapters ? known.loraEvaluation : known.evaluation;
  return {
    request, context, configuration, adapters, unusual: unusualValues(known, adapters), model: known.name,
    checkpoint: `${weights.path}/${known.name}.ckpt`,
    tokenizer: `${weights.path}/${known.tokenizerFile}`,
    data: `${dataset.path}/${evalFile ?? dataFile('eval', configuration)}`,
  };
}

/** As container/results reads them from MindFormers' log. */
const METRICS = ['rouge-1', 'rouge-2', 'rouge-l', 'bleu-4'];

function checkMetrics(scores: Readonly<Record<string, number>>): void {
  const unknown = Object.keys(scores).find((metric) => !METRICS.includes(metric));
  if (unknown !== undefined) {
    throw new Error(`'minimumScores' has '${unknown}'; runtime '${NAME}' measures ${METRICS.join(', ')}`);
  }
}

function checkData(evaluation: Evaluation): void {
  const { request: { dataset, evalFile }, configuration, context: { version } } = evaluation;
  const isMindRecord = configuration.data.files === 'mindrecord';
  dataset._require([isMindRecord ? ArtifactFormat.MINDRECORD : ArtifactFormat.DATASET], 'dataset', `MindFormers ${version.name} evaluates ${isMindRecord ? 'MindRecord files' : 'JSON lines'}; PrepareDataset makes them`);
  checkPrepared(dataset, evalFile ?? dataFile('eval', configuration), 'the evaluation', 'give one that PrepareDataset made of prompts and answers with an \'evalFile\'');
  checkOverrides(evaluation);
}

/** The keys of ChatGLM-6B's configurations for inference are not in the catalogue. */
function checkOverrides({ request: { model, settings }, configuration: { file }, adapters, context: { version } }: Evaluation): void {
  const { configurations } = modelOf(model.name, version);
  const known = configurations.find((each) => each.file === file && each.lora === (adapters !== undefined));
  if (known !== undefined) {
    checkKeys(settings, { ...known, release: version.name });
  }
}

/** Ranks write their configuration into the working directory, and c8a5808 takes the tokenizer of its metric from there and nowhere else. */
function program(evaluation: Evaluation, output: string): string[] {
  const { context: { version, sourceTree }, configuration, tokenizer } = evaluation;
  const config = `${sourceTree.path}/${configuration.file}`;
  const { dottedOverrides } = version._row.commandLine;
  const { dotted, patches } = values(evaluation);
  return [
    'python3', scriptPath('enter_folder'), '--folder', WORK_PATH, ...(dottedOverrides ? [] : ['--link', `checkpoint_download/glm/ice_text.model=${tokenizer}`]), '--',
    'python3', scriptPath('train_rank'), '--output', output, '--config', config,
    ...Object.entries(patches).flatMap(([path, value]) => ['--set', `${path}=${value}`]), '--resume', 'none', '--',
    ...programWords(evaluation, config, output),
    ...Object.entries(dotted).map(([key, value]) => `--${key}=${value}`),
  ];
}

interface Values {
  readonly dotted: Readonly<Record<string, string>>;
  readonly patches: Readonly<Record<string, string>>;
}

/** Mappings and versions without dotted overrides need the configuration patched. */
function values({ request: { accelerator, settings, batchSize = 1 }, context: { version, program: wanted }, configuration, unusual, tokenizer }: Evaluation): Values {
  const isTrainer = wanted === MindFormersProgram.TRAINER;
  const memory = memoryLimit(accelerator?.deviceMemory);
  const changes = {
    ...(memory !== undefined && { 'context.max_device_memory': memory }), ...configuration.overrides, ...(isTrainer && { 'runner_config.batch_size': String(batchSize) }),
    ...unusual, ...settings,
  };
  if (!version._row.commandLine.dottedOverrides) {
    return { dotted: {}, patches: changes };
  }
  const isPatch = ([, value]: [string, string]): boolean => value.startsWith('{');
  const vocabularies = { 'eval_dataset.tokenizer.vocab_file': tokenizer, 'processor.tokenizer.vocab_file': tokenizer };
  const entries = Object.entries(changes);
  return { dotted: { ...vocabularies, ...Object.fromEntries(entries.filter((entry) => !isPatch(entry))) }, patches: Object.fromEntries(entries.filter(isPatch)) };
}

function programWords({ request, context, adapters, checkpoint, data, model }: Evaluation, config: string, output: string): string[] {
  const { sourceTree, program: wanted, version } = context;
  const { batchSize = 1 } = request;
  const common = ['--run_mode', 'eval', '--use_parallel', 'False', '--eval_dataset_dir', data];
  if (wanted === MindFormersProgram.TRAINER) {
    const modelType = `${model}${adapters ? '_lora' : ''}_chat`;
    return [scriptPath('train_glm'), '--source-tree', sourceTree.path, '--config', config, '--task', 'text_generation', '--model_type', modelType, ...common, '--load_checkpoint', checkpoint];
  }
  return [
    `${sourceTree.path}/run_mindformer.py`, '--config', config, ...common, '--batch_size', String(batchSize), '--device_id', '0',
    ...(version._row.commandLine.outputFlag ? ['--output_dir', output] : []),
    ...checkpointWords(version, checkpoint),
  ];
}

function checkpointWords({ _row: { commandLine, evaluationDropsCheckpoint } }: MindFormersVersion, checkpoint: string): string[] {
  if (!evaluationDropsCheckpoint) {
    return ['--load_checkpoint', checkpoint];
  }
  const named = `model.model_config.checkpoint_name_or_path=${checkpoint}`;
  return commandLine.dottedOverrides ? [`--${named}`] : ['--options', named];
}

function workFolder(output: string, { version }: MindFormersContext): object {
  const shm = sharedMemory(2048);
  return {
    volumes: [...shm.volumes, { name: 'work', emptyDir: {} }],
    mounts: [...shm.mounts, { name: 'work', mountPath: WORK_PATH }],
    ...(!version._row.commandLine.outputFlag && { env: [{ name: 'LOCAL_DEFAULT_PATH', value: output }] }),
  };
}
