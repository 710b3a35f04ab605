import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import type { CommandPart } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import { hostGibibytes } from './atb-memory';
import { atbCheck, atbEnv, type AtbStack, lineages, MODEL_PACKAGES, sourceTreeOf } from './atb-stack';
import { ATB_MODELS, atbWeights, checkWorldSize } from './atb-weights';
import type { Steps } from './runtime-dialect';
import { type ScriptStep, scriptStep } from './script-step';
import { vendorEnv } from './serving';
import type { BenchmarkRequest, EvaluateRequest, ModelStepRequest } from './step-requests';
import { sharedMemory, type StepTask } from './task';

/** Seconds that ranks get after SIGTERM. */
const GRACE_SECONDS = 20;
/** Where the scripts keep their view of the weights, which the vendor's main.py writes to. */
const WORK_PATH = '/work';

/** The steps of the guide that measure the model, by its main.py (ModelLink@839b2483 examples/chatglm2/6b). */
export function atbMeasureSteps(stack: AtbStack): Pick<Steps, 'evaluate' | 'benchmark'> {
  return {
    evaluate: (request) => request.settings.mode === 'single' ? answerOne(stack, request) : evaluate(stack, request),
    benchmark: (request) => benchmark(stack, request),
  };
}

/** The accuracy on the validation part of C-Eval. */
function evaluate(stack: AtbStack, request: EvaluateRequest): StepTask {
  const { model, dataset, batchSize = 8, minimumScores, settings, devices } = request;
  checkSettings(settings);
  checkMinimums(minimumScores);
  dataset._require([ArtifactFormat.DATASET], 'dataset', 'C-Eval as the guide has it');
  const { inputs, gibibytes, words } = modelRun(stack, request, batchSize);
  const output = request.output(ArtifactFormat.EVALUATION, {
    runtime: ATB_MODELS, devices, batchSize, minimumScores, inputs: lineages(...inputs, dataset),
  });
  const minimums = Object.entries(minimumScores).flatMap(([metric, value]) => ['--minimum', `${metric}=${String(value)}`]);
  return measureStep(stack, request, {
    name: 'evaluate', output, require: ['result.json'], inputs: [...inputs, dataset], gibibytes, script: 'evaluate', scripts: ['atb_evaluate'],
    words: [
      '--metrics', `json:${output.path}/ceval.json`, '--model', model.name, '--output', output.path, ...minimums, '--',
      'python3', scriptPath('atb_evaluate'), ...words, '--mode', 'dataset', '--dataset', dataset.path, '--output', output.path,
    ],
  });
}

/** One question, whose answer stands in the log: it shows that model and devices work. */
function answerOne(stack: AtbStack, request: EvaluateRequest): StepTask {
  const { batchSize = 1, devices, minimumScores, settings } = request;
  checkSettings(settings);
  if (Object.keys(minimumScores).length > 0) {
    throw new Error('\'minimumScores\' do not go with the setting \'mode: single\', which answers one question and measures nothing');
  }
  const { inputs, gibibytes, words } = modelRun(stack, request, batchSize);
  const output = request.output(ArtifactFormat.ANSWERS, { runtime: ATB_MODELS, devices, batchSize, inputs: lineages(...inputs) });
  return measureStep(stack, request, {
    name: 'evaluate', output, require: [], inputs, gibibytes, script: 'atb_evaluate', words: [...words, '--mode', 'single', '--output', output.path],
  });
}

function benchmark(stack: AtbStack, request: BenchmarkRequest): StepTask {
  const { model, batchSize = 1, sequencePairs, printResponse, devices } = request;
  checkBenchmark(request);
  const { inputs, gibibytes, words } = modelRun(stack, request, batchSize);
  const output = request.output(ArtifactFormat.BENCHMARK, { runtime: ATB_MODELS, devices, batchSize, sequencePairs, printResponse, inputs: lineages(...inputs) });
  return measureStep(stack, request, {
    name: 'benchmark', output, require: ['result.json', 'performance.csv'], inputs, gibibytes, script: 'atb_benchmark',
    words: [
      ...words, '--model-name', model.name, '--pairs', sequencePairs.map((pair) => pair.join(':')).join(','),
      ...(printResponse ? ['--print-response'] : []), '--output', output.path,
    ],
  });
}

interface ModelRun {
  readonly inputs: Artifact[];
  readonly gibibytes: number;
  readonly words: CommandPart[];
}

/** The flags of a script that runs the model, what it reads, and the memory for that. */
function modelRun(stack: AtbStack, { model: asked, weights, devices, dtype, accelerator }: ModelStepRequest, batchSize: number): ModelRun {
  const tree = sourceTreeOf(stack);
  checkWorldSize('devices', devices, accelerator);
  const { precision, model, compressed } = atbWeights(weights, devices, dtype, accelerator);
  return {
    inputs: [tree, model, ...(compressed ? [compressed] : [])],
    gibibytes: hostGibibytes(asked, precision, devices),
    words: [
      '--tree', tree.path, '--model-path', model.path, ...(compressed ? ['--compressed', compressed.path] : []), '--tp-size', String(devices),
      '--precision', precision, '--batch', String(batchSize), '--work-dir', `${WORK_PATH}/run`, '--grace', String(GRACE_SECONDS),
    ],
  };
}

type MeasureStep = Pick<ScriptStep, 'name' | 'output' | 'require' | 'inputs' | 'gibibytes' | 'script' | 'scripts' | 'words'>;

function measureStep({ image, setEnvScripts }: AtbStack, { devices, accelerator }: ModelStepRequest, step: MeasureStep): StepTask {
  const shm = sharedMemory(1024 * devices);
  return scriptStep({
    ...step, runtime: ATB_MODELS, image, devices, security: SecurityLevel.VENDOR_DEFAULT, before: [...vendorEnv(setEnvScripts), ...atbCheck(devices, MODEL_PACKAGES)], cpus: 4 * devices,
    scripts: ['with_vendor_env', 'check_start', ...step.scripts ?? []],
    fragment: { env: atbEnv(accelerator), volumes: [...shm.volumes, { name: 'work', emptyDir: {} }], mounts: [...shm.mounts, { name: 'work', mountPath: WORK_PATH }] },
  });
}

function checkSettings(settings: EvaluateRequest['settings']): void {
  const wrong = Object.entries(settings).find(([key, value]) => key !== 'mode' || !['dataset', 'single'].includes(value));
  if (wrong !== undefined) {
    throw new Error(`'settings' of runtime '${ATB_MODELS}' has '${wrong.join(': ')}'; it knows 'mode: dataset' and 'mode: single'`);
  }
}

/** An accuracy is a share, which a percentage is never reached by; container/atb/evaluate.py names them. */
function checkMinimums(minimumScores: EvaluateRequest['minimumScores']): void {
  const wrong = Object.entries(minimumScores).find(([metric, value]) => !/^accuracy(\/.+)?$/.test(metric) || !(value >= 0 && value <= 1));
  if (wrong !== undefined) {
    throw new Error(`'minimumScores' has '${wrong.join(': ')}'; runtime '${ATB_MODELS}' measures 'accuracy' and 'accuracy/<category>/<subject>', from 0 to 1`);
  }
}

function checkBenchmark({ prompts, sequencePairs }: BenchmarkRequest): void {
  if (prompts !== undefined) {
    throw new Error(`'prompts' do not go with runtime '${ATB_MODELS}', which measures its own questions cut to 'sequencePairs'`);
  }
  if (sequencePairs.length === 0) {
    throw new Error(`'sequencePairs' are missing: runtime '${ATB_MODELS}' measures pairs of prompt and answer lengths`);
  }
}
