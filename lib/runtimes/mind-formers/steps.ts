import type { Artifact } from '../../artifacts/artifact';
import { ArtifactFormat } from '../../artifacts/artifact-format';
import { Dtype } from '../../accelerators/dtype';
import { weightsBytes } from '../../models/memory-estimate';
import { GlmFamily, type GlmModel } from '../../models/glm-model';
import { SecurityLevel } from '../../pods/security-level';
import { type ScriptStep, scriptStep } from '../script-step';
import type { ConvertRequest, DatasetRequest, MergeRequest } from '../step-requests';
import type { StepTask } from '../task';
import { knownAdapters, madeWith } from './adapters';
import type { MindFormersModel } from './configuration';
import { isModernMindSpore, type MindFormersContext, NAME, startCommand, startScripts } from './options';
import { prepared } from './prepared';
import { modelOf } from './resolve';
import { STRATEGY_FILE } from './train';

/** Weights of Hugging Face as one MindSpore checkpoint, or the way back. */
export function convert(request: ConvertRequest, context: MindFormersContext): StepTask {
  const { model, from, to, base } = request;
  const known = modelOf(model.name, context.version);
  checkFormats(request);
  const { checkpointFile = `${known.name}.ckpt` } = request;
  const back = to.name === ArtifactFormat.HUGGING_FACE.name;
  const alpha = alphaOf(request, back, context);
  const output = request.output(to, {
    runtime: NAME, step: 'convert', model: model.name, file: checkpointFile, from: from.lineage, base: base?.lineage, embedding: context.version._row.embedding, alpha,
  }, model.weightsBytes);
  return processorStep(context, {
    name: 'convert', script: 'convert_checkpoint', output, inputs: [from, ...(base ? [base] : [])],
    require: back ? ['config.json', '*.safetensors'] : [checkpointFile, known.tokenizerFile],
    words: [
      '--from', from.format.name, '--to', to.name, '--family', model.family, '--source', from.path, '--file', checkpointFile,
      ...embeddingWords(back, model, context), ...(base ? ['--base', base.path] : []),
      ...(alpha === undefined ? [] : ['--lora-alpha', String(alpha)]), '--output', output.path,
    ],
    cpus: 4, gibibytes: 2 * gibibytes(model),
  });
}

/**
 * On the way back adapters are put into the weights, because what other runtimes read has none. Their rank is in the checkpoint; alpha is not, and a wrong one
 * makes a model that answers nonsense.
 */
function alphaOf(request: ConvertRequest, back: boolean, { lora }: MindFormersContext): number | undefined {
  const { from, loraAlpha } = request;
  const known = knownAdapters(from)?.alpha;
  checkAlpha(request, back, known);
  if (back && lora && loraAlpha === undefined && known === undefined) {
    throw new Error(`'loraAlpha' is missing: no FinetuneJob of this app made the adapters in ${from.directory}; give the 'lora_alpha' of the configuration that trained them`);
  }
  return back ? known ?? loraAlpha : undefined;
}

function checkAlpha({ from, loraAlpha }: ConvertRequest, back: boolean, known: number | undefined): void {
  if (loraAlpha === undefined) {
    return;
  }
  if (!back) {
    throw new Error('\'loraAlpha\' is for the way to huggingface, where adapters are put into the weights; leave it out');
  }
  if (!Number.isInteger(loraAlpha) || loraAlpha < 1 || loraAlpha > 999_999) {
    throw new Error(`'loraAlpha' must be a whole number from 1 to 999999, got ${String(loraAlpha)}`);
  }
  if (known !== undefined && loraAlpha !== known) {
    throw new Error(`'loraAlpha' is ${String(loraAlpha)}, but the adapters in ${from.directory} were trained with ${String(known)}; leave it out`);
  }
}

/** From 1.2 on ChatGLM2 and 3 name the matrix as GLM-4 does (mindformers/models/glm2/convert_weight.py). */
function embeddingWords(back: boolean, { family }: GlmModel, { version: { _row: { embedding } } }: MindFormersContext): string[] {
  return back || embedding === undefined || family === GlmFamily.CHATGLM ? [] : ['--embedding', embedding];
}

function checkFormats({ from, to, base }: ConvertRequest): void {
  const [source, target] = [from.format.name, to.name];
  const { HUGGING_FACE, MINDSPORE } = ArtifactFormat;
  const possible = [source, target].sort().join() === [HUGGING_FACE.name, MINDSPORE.name].sort().join();
  if (!possible) {
    throw new Error(`runtime '${NAME}' converts huggingface to mindspore and back, got ${source} (${from.directory}) to ${target}`);
  }
  if (target === HUGGING_FACE.name && base === undefined) {
    throw new Error('\'base\' is missing: the way to huggingface takes configuration, remote code and tokenizer from the model as downloaded');
  }
  base?._require([HUGGING_FACE], 'base', 'DownloadWeights makes it');
}

/** A data set as the version's configurations read it. */
export function dataset(request: DatasetRequest, context: MindFormersContext): StepTask {
  const { model, from, kind, tokenizer, mindRecord, trainFile, evalFile, columns } = request;
  const known = modelOf(model.name, context.version);
  tokenizer?._require([ArtifactFormat.MINDSPORE, ArtifactFormat.HUGGING_FACE], 'tokenizer', 'give weights of the model, which have it');
  const definition = {
    runtime: NAME, step: 'dataset', kind, trainFile, evalFile, columns, from: from.lineage, tokenizer: tokenizer?.lineage, family: model.family,
  };
  if (mindRecord !== undefined) {
    return mindRecordStep(request, known, context, request.output(ArtifactFormat.MINDRECORD, { ...definition, ...mindRecord, commit: context.version.commit }));
  }
  const suffix = kind === 'tool-alpaca' ? 'jsonl' : 'json';
  const output = prepared(request.output(ArtifactFormat.DATASET, definition), [`train.${suffix}`, ...(evalFile === undefined ? [] : [`dev.${suffix}`])]);
  return processorStep(context, {
    name: 'dataset', script: 'prepare_dataset', output, inputs: [from, ...(tokenizer ? [tokenizer] : [])],
    require: [`train.${suffix}`, 'report.json'],
    words: [
      '--kind', kind, '--source', from.path, '--train', trainFile, ...(evalFile === undefined ? [] : ['--eval', evalFile]),
      ...(columns === undefined ? [] : ['--columns', columns.join(',')]),
      ...(tokenizer ? ['--tokenizer', `${tokenizer.path}/${known.tokenizerFile}`, '--family', model.family] : []), '--output', output.path,
    ],
    cpus: 2, gibibytes: 4,
  });
}

/** The tool that makes MindRecord files of ADGEN, in the source tree. */
const ADGEN_SCRIPT = 'mindformers/tools/dataset_preprocess/glm/adgen_dataset.py';

function mindRecordStep(request: DatasetRequest, known: MindFormersModel, context: MindFormersContext, output: Artifact): StepTask {
  const { kind, from, tokenizer, mindRecord, trainFile, evalFile = trainFile } = request;
  if (kind !== 'adgen' || tokenizer === undefined || mindRecord === undefined || known.name !== 'glm_6b') {
    throw new Error(`MindRecord files are made of ADGEN for chatglm-6b, with its tokenizer, got ${kind} for ${request.model.name}`);
  }
  return processorStep(context, {
    name: 'dataset', script: 'make_mindrecord', output, inputs: [context.sourceTree, from, tokenizer],
    require: ['train.mindrecord', 'eval.mindrecord'],
    words: [
      '--script', `${context.sourceTree.path}/${ADGEN_SCRIPT}`, '--source', from.path, '--vocab', `${tokenizer.path}/${known.tokenizerFile}`,
      '--train', trainFile, '--eval', evalFile, '--train-lengths', mindRecord.train.join(','), '--eval-lengths', mindRecord.evaluation.join(','), '--output', output.path,
    ],
    cpus: 4, gibibytes: 16,
  });
}

/**
 * The checkpoints of all ranks as one file. It is done offline and never by `auto_trans_ckpt`, because MindFormers does that between nodes only on disks
 * that it takes for shared (nfs, dpc and fuse.sshfs; mindformers@3354237 check_shared_disk), and what a claim's volume is cannot be known here.
 */
export function merge(request: MergeRequest, context: MindFormersContext): StepTask {
  const { model, from, base, strategy } = request;
  const known = modelOf(model.name, context.version);
  if (!isModernMindSpore(context) && context.mergeImage === undefined) {
    throw new Error(`MindSpore ${context.mindSpore} cannot merge checkpoints (transform_checkpoints is in 2.0 and later); give Runtime.mindFormers a 'mergeImage' with MindSpore 2 for the processor`);
  }
  const file = `${known.name}.ckpt`;
  const output = madeWith(request.output(ArtifactFormat.MINDSPORE, {
    runtime: NAME, step: 'merge', file, from: from.lineage, base: base.lineage, strategy: strategy?.lineage,
  }, model.weightsBytes), knownAdapters(from));
  return processorStep(context, {
    name: 'merge', script: 'merge_checkpoint', output, inputs: [from, base, ...(strategy ? [strategy] : [])],
    require: [file, known.tokenizerFile],
    words: [
      '--source', from.path, '--file', file, ...strategyWords(request, context), '--tokenizer', `${base.path}/${known.tokenizerFile}`, '--output', output.path,
    ],
    cpus: 4, gibibytes: 4 * gibibytes(model),
  });
}

/** Later versions write a file a rank into `strategy`, where merge_checkpoint.py looks by itself. */
function strategyWords({ from, strategy }: MergeRequest, { version }: MindFormersContext): string[] {
  const { outputFlag } = version._row.commandLine;
  if (strategy === undefined && outputFlag) {
    return [];
  }
  return ['--strategy', `${(strategy ?? from).path}/${outputFlag ? 'strategy' : STRATEGY_FILE}`];
}

function gibibytes(model: GlmModel): number {
  return Math.ceil(weightsBytes(model, Dtype.FLOAT16) / 2 ** 30);
}

/** A step that needs no device, in the image for that where there is one. */
function processorStep(context: MindFormersContext, step: Omit<ScriptStep, 'runtime' | 'image' | 'security' | 'before' | 'scripts'>): StepTask {
  const { image, mergeImage, architecture } = context;
  return scriptStep({
    ...step, runtime: NAME, security: SecurityLevel.VENDOR_DEFAULT,
    ...(mergeImage === undefined
      ? { image, architecture, before: startCommand(context, undefined), scripts: startScripts(context, undefined) }
      : { image: mergeImage }),
  });
}
