import type { Size } from 'cdk8s';

import type { Artifact } from '../../artifacts/artifact';
import { scriptPath } from '../../pods/scripts';
import type { FinetuneRequest } from '../runtime-dialect';
import type { MindFormersContext } from './options';
import { MindFormersProgram } from './program';
import { pythonBoolean } from './resolve';
import type { ResolvedFinetune } from './resolved-finetune';

/** What MindSpore may take of a device: 59 of 64 GiB, as the configuration of the 800T A2 says. */
const USABLE_MEMORY = 0.93;

/** Checkpoints that are kept, where the caller does not say. */
const KEPT_CHECKPOINTS = 2;

/** The strategy file of versions that cannot be told a folder, below the output. */
export const STRATEGY_FILE = 'ckpt_strategy.ckpt';

/** What one rank runs: a configuration of its own, then the program that trains, which goes on from the last step that all ranks have finished. */
export function trainCommand(request: FinetuneRequest, resolved: ResolvedFinetune, context: MindFormersContext, output: Artifact): string[] {
  const { sourceTree, version } = context;
  const config = `${sourceTree.path}/${resolved.configuration.file}`;
  const dotted = dottedValues(request, resolved);
  const { dottedOverrides } = version._row.commandLine;
  const patches = { ...patchedValues(request, resolved, context, output), ...(dottedOverrides ? {} : dotted) };
  return [
    'python3', scriptPath('train_rank'), '--output', output.path, '--config', config,
    ...Object.entries(patches).flatMap(([path, value]) => ['--set', `${path}=${value}`]),
    ...(request.onlyStrategy ? ['--resume', 'none'] : ['--resume', 'resume-training', '--save-on-term']), '--',
    ...programOf(request, context), '--config', config, ...programArguments(request, resolved, context, output),
    ...(dottedOverrides ? Object.entries(dotted).map(([key, value]) => `--${key}=${value}`) : []),
  ];
}

/** The file of a data set that training or evaluation reads. */
export function dataFile(part: 'train' | 'eval', { data }: Pick<ResolvedFinetune['configuration'], 'data'>): string {
  if (data.files === 'mindrecord') {
    return `${part}.mindrecord`;
  }
  const name = part === 'train' ? 'train' : 'dev';
  return data.multiTurn ? `${name}.jsonl` : `${name}.json`;
}

/** Whether our own script runs instead of run_mindformer.py: only it can compile without frozen parameters in c8a5808. */
export function usesTrainer({ onlyStrategy }: FinetuneRequest, { program, version }: MindFormersContext): boolean {
  return program === MindFormersProgram.TRAINER || (onlyStrategy && !version._row.commandLine.dottedOverrides);
}

function programOf(request: FinetuneRequest, context: MindFormersContext): string[] {
  return usesTrainer(request, context) ? [scriptPath('train_glm'), '--source-tree', context.sourceTree.path] : [`${context.sourceTree.path}/run_mindformer.py`];
}

function programArguments(request: FinetuneRequest, resolved: ResolvedFinetune, context: MindFormersContext, output: Artifact): string[] {
  const { checkpoint, checkpointFile = `${resolved.model.name}.ckpt`, dataset, lora, onlyStrategy } = request;
  const { configuration, epochs, batchSize } = resolved;
  const { trainFile = dataFile('train', configuration), evalFile = dataFile('eval', configuration) } = request;
  const trainer = usesTrainer(request, context);
  const { outputFlag, dottedOverrides } = context.version._row.commandLine;
  return [
    ...(trainer ? ['--task', 'text_generation', '--model_type', `${resolved.model.name}${lora ? '_lora' : ''}`] : []),
    '--run_mode', 'finetune', '--use_parallel', 'True',
    ...(outputFlag ? ['--output_dir', output.path] : []),
    '--load_checkpoint', `${checkpoint.path}/${checkpointFile}`,
    '--train_dataset_dir', `${dataset.path}/${trainFile}`,
    // Without an evaluation section there is nothing to set.
    ...(configuration.data.multiTurn ? [] : ['--eval_dataset_dir', `${dataset.path}/${evalFile}`]),
    ...(trainer ? [] : ['--epochs', String(epochs), '--batch_size', String(batchSize)]),
    ...(onlyStrategy ? [dottedOverrides ? '--only_save_strategy' : '--only_strategy', 'True'] : []),
  ];
}

/** Values that run_mindformer.py takes by dotted key where the version knows that. */
function dottedValues(request: FinetuneRequest, { overrides, configuration, model }: ResolvedFinetune): Record<string, string> {
  const memory = memoryLimit(request.deviceMemory ?? request.accelerator.deviceMemory);
  const tokenizer = `${request.checkpoint.path}/${model.tokenizerFile}`;
  return {
    ...(memory !== undefined && { 'context.max_device_memory': memory }),
    ...Object.fromEntries(configuration.data.vocabularyKeys.map((key) => [key, tokenizer])),
    ...overrides,
  };
}

/** How much of a device MindSpore may take, as the configurations write it. */
export function memoryLimit(memory: Size | undefined): string | undefined {
  return memory && `${String(Math.floor(memory.toGibibytes() * USABLE_MEMORY))}GB`;
}

/** Values in lists, and mappings that the command line cannot make. */
function patchedValues(request: FinetuneRequest, { configuration, epochs, batchSize }: ResolvedFinetune, context: MindFormersContext, output: Artifact): Record<string, string> {
  const { settings, onlyStrategy } = request;
  const { version } = context;
  const callback = `callbacks[${version._row.checkpointCallback}]`;
  const { keepCheckpoints = KEPT_CHECKPOINTS, saveSteps } = settings;
  return {
    ...(usesTrainer(request, context) && { 'runner_config.epochs': String(epochs), 'runner_config.batch_size': String(batchSize) }),
    ...(saveSteps !== undefined && { [`${callback}.save_checkpoint_steps`]: String(saveSteps) }),
    ...(!onlyStrategy && { [`${callback}.keep_checkpoint_max`]: String(keepCheckpoints) }),
    ...configuration.patches,
    // Every rank writes the same layouts there; later versions write a file a rank into the folder `strategy`.
    ...(!version._row.commandLine.outputFlag && { 'parallel.strategy_ckpt_save_file': `${output.path}/${STRATEGY_FILE}` }),
  };
}

/** What defines the trained checkpoints. */
export function definitionOf({ settings, lora, onlyStrategy }: FinetuneRequest, { configuration, epochs, batchSize, overrides }: ResolvedFinetune): Record<string, string | number | Record<string, string | number>> {
  return {
    configuration: configuration.file,
    arguments: { epochs, batchSize, ...overrides },
    ...(lora && { lora: pythonBoolean(lora) }),
    ...(onlyStrategy && { onlyStrategy: pythonBoolean(onlyStrategy) }),
    ...(settings.saveSteps !== undefined && { saveSteps: settings.saveSteps }),
  };
}
