import { Dtype } from '../accelerators/dtype';
import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { weightsBytes } from '../models/memory-estimate';
import type { CommandPart, PodFile } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import { scriptStep } from './script-step';
import { type ServingOptions, vendorEnv } from './serving';
import type { BenchmarkRequest, ChatRequest, Definition, ModelStepRequest, PredictRequest } from './step-requests';
import { sharedMemory, type StepTask, type Task } from './task';

/** Where a pod finds the prompts that it is to answer. */
const PROMPTS_FILE = '/etc/cdk8s-chatglm/prompts.json';

/** A runtime's backend without the server around it: in one process, on the devices of its pod. */
export interface ModelProcess extends ServingOptions {
  /** The backend's name. */
  readonly backend: string;
  /** The script of a chat, where the backend has one of its own. */
  readonly script?: string;
}

/** Answers prompts (`container/answer_prompts.py`). */
export function predictStep(process: ModelProcess, request: PredictRequest): StepTask {
  const { prompts, maxTokens, temperature, output } = request;
  const artifact = output(ArtifactFormat.ANSWERS, { ...definition('predict', process, request), prompts, maxTokens, temperature });
  return modelStep(process, request, artifact, {
    name: 'predict', script: 'answer_prompts', require: ['answers.jsonl'], prompts,
    words: [
      ...(maxTokens === undefined ? [] : ['--max-tokens', String(maxTokens)]),
      ...(temperature === undefined ? [] : ['--temperature', String(temperature)]),
    ],
  });
}

/** Measures the speed of answers (`container/benchmark_model.py`). */
export function benchmarkStep(process: ModelProcess, request: BenchmarkRequest): StepTask {
  const { prompts, output } = request;
  const artifact = output(ArtifactFormat.BENCHMARK, { ...definition('benchmark', process, request), prompts });
  return modelStep(process, request, artifact, { name: 'benchmark', script: 'benchmark_model', require: ['result.json'], prompts, words: [] });
}

/** A conversation on a terminal (`container/chat_session.py`), which makes no artifact. */
export function chatTask(process: ModelProcess, request: ChatRequest): Task {
  const { runtime, image, security, inputs = [], script = 'chat_session' } = process;
  return {
    name: 'chat', runtime, image, security,
    devices: devicesOf(request),
    command: [...surroundings(process), 'python3', scriptPath(script), ...modelWords(process, request), '--idle-minutes', String(request.idleMinutes)],
    inputs: [request.weights, ...inputs],
    fragment: {
      ...process.fragment,
      terminal: true,
      requests: { cpu: '4', memory: `${String(gibibytesOf(process, request))}Gi` },
      scripts: [script, ...scriptsOf(process)],
      ...(request.devices > 0 ? sharedMemory(1024 * request.devices) : {}),
    },
  };
}

interface ModelScript {
  readonly name: string;
  readonly script: string;
  readonly require: readonly string[];
  readonly words: readonly string[];
  /** Goes into the file of the prompts. */
  readonly prompts: string | undefined;
}

function modelStep(process: ModelProcess, request: ModelStepRequest, output: Artifact, { prompts, words, ...step }: ModelScript): StepTask {
  const files: PodFile[] = prompts === undefined ? [] : [{ path: PROMPTS_FILE, text: prompts }];
  return scriptStep({
    ...step, output,
    runtime: process.runtime, image: process.image, security: process.security,
    inputs: [request.weights, ...process.inputs ?? []],
    before: surroundings(process),
    words: [...modelWords(process, request), ...files.flatMap(({ path }) => ['--prompts', path]), ...words, '--output', output.path],
    scripts: scriptsOf(process),
    cpus: 4, gibibytes: gibibytesOf(process, request),
    devices: devicesOf(request),
    fragment: { ...process.fragment, files, ...(request.devices > 0 ? sharedMemory(1024 * request.devices) : {}) },
  });
}

function definition(step: string, { runtime, image }: ModelProcess, { model, weights, dtype, contextLength, devices }: ModelStepRequest): Definition {
  return { runtime, step, image, model: model.name, weights: weights.lineage, dtype, contextLength, devices };
}

function surroundings({ setEnvScripts, check = [] }: ModelProcess): readonly CommandPart[] {
  return [...vendorEnv(setEnvScripts), ...check];
}

function scriptsOf({ setEnvScripts, fragment }: ModelProcess): readonly string[] {
  return [...(setEnvScripts.length > 0 ? ['with_vendor_env'] : []), ...fragment?.scripts ?? []];
}

type Model = Pick<ModelStepRequest, 'model' | 'weights' | 'devices' | 'contextLength'>;

function modelWords({ backend, backendOptions = {} }: ModelProcess, { model, weights, contextLength }: Model): string[] {
  return [
    '--backend', backend, '--model-name', model.name, '--model-family', model.family, '--model-path', weights.path, '--context-length', String(contextLength),
    ...Object.entries(backendOptions).flatMap(([key, value]) => ['--backend-option', `${key}=${value}`]),
  ];
}

/** Host memory while the weights pass through it. */
function gibibytesOf({ gibibytes }: ModelProcess, { model }: Model): number {
  return gibibytes ?? Math.ceil(1.5 * weightsBytes(model, Dtype.FLOAT16) / 2 ** 30) + 1;
}

function devicesOf({ devices }: Model): number | undefined {
  return devices === 0 ? undefined : devices;
}
