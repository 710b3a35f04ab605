import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { SecurityLevel } from '../pods/security-level';
import { scriptPath } from '../pods/scripts';
import { benchmarkStep, chatTask, type ModelProcess, predictStep } from './model-steps';
import type { RuntimeDialect, ServeRequest } from './runtime-dialect';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';
import type { SophonOptions } from './sophon-options';
import { checkCompiled, DEVICES, NAME, sophonSteps } from './sophon-steps';
import type { ChatRequest } from './step-requests';
import type { Task } from './task';

/** The weights are in the TPU's memory, for which a SoC sets most of its 16 GB aside (sophgo/sophon-tools SE7 specification); Python and the tokenizer take the rest. */
const HOST_GIBIBYTES = 2;

/** ChatGLM3 compiled for BM1684X by TPU-MLIR (sophgo/LLM-TPU@edb7f13e). A bmodel loads in a minute or two; start-up gets at least 5. */
export function sophon(options: SophonOptions): RuntimeDialect {
  checkOptions(options);
  return {
    name: NAME,
    needsAccelerator: true,
    models: ['chatglm3-6b'],
    backend: ServingBackend._of(NAME),
    weightsFormat: ArtifactFormat.BMODEL,
    serve: (request) => serveTask(tpuProcess(options, servedDevices(request)), request),
    chat: (request) => request.devices === 1 ? chatTask(tpuProcess(options, oneDevice(request)), request) : programTask(options, request),
    steps: {
      ...sophonSteps(options),
      predict: (request) => predictStep(tpuProcess(options, oneDevice(request)), request),
      benchmark: (request) => benchmarkStep(tpuProcess(options, oneDevice(request)), request),
    },
  };
}

function checkOptions({ image, compilerImage, extension, program }: SophonOptions): void {
  checkImage('image', image);
  if (compilerImage !== undefined) {
    checkImage('compilerImage', compilerImage);
  }
  extension?._require([ArtifactFormat.PROGRAM], 'extension', 'BuildProgram makes it of \'python-demo\'');
  program?._require([ArtifactFormat.PROGRAM], 'program', 'BuildProgram makes it of \'demo\'');
}

function checkDevices(devices: number): void {
  if (!DEVICES.includes(devices)) {
    throw new Error(`'devices' must be one of ${DEVICES.join(', ')} for runtime '${NAME}', as the bmodel was compiled for, got ${String(devices)}`);
  }
}

/** The extension computes on one chip only (LLM-TPU@edb7f13e models/ChatGLM3/python_demo/chat.cpp); the echo backend does not compute. */
function servedDevices(request: ServeRequest): number {
  return request.backend.name === NAME ? oneDevice(request) : request.devices;
}

function oneDevice(request: Pick<ServeRequest, 'weights' | 'contextLength' | 'devices' | 'dtype'>): number {
  const { devices } = request;
  checkDevices(devices);
  if (devices > 1) {
    throw new Error(`'devices' must be 1 for runtime '${NAME}', got ${String(devices)}: LLM-TPU's Python extension runs on one chip; ChatSession with 'program' of Runtime.sophon runs on more`);
  }
  checkCompiled(request);
  return devices;
}

function tpuProcess({ image, extension }: SophonOptions, devices: number): ModelProcess {
  checkDevices(devices);
  return {
    runtime: NAME, image, backend: NAME, setEnvScripts: [], minimumStartupSeconds: 300, security: SecurityLevel.VENDOR_DEFAULT, gibibytes: HOST_GIBIBYTES,
    backendOptions: extension ? { extension: extension.path } : {},
    check: checkWords(devices),
    inputs: extension ? [extension] : [],
    fragment: { scripts: ['check_start'] },
  };
}

/** The C++ program on its own terminal, on as many chips as the bmodel was compiled for. */
function programTask({ image, program }: SophonOptions, { weights, devices, dtype, idleMinutes }: ChatRequest): Task {
  checkDevices(devices);
  checkCompiled({ weights, devices, dtype, contextLength: undefined });
  if (program === undefined) {
    throw new Error(`'program' of Runtime.sophon is needed to chat on ${String(devices)} chips, where the Python extension runs on one; BuildProgram makes it of 'demo'`);
  }
  return {
    name: 'chat', runtime: NAME, image, devices, inputs: [weights, program], security: SecurityLevel.VENDOR_DEFAULT,
    command: [
      ...checkWords(devices), 'python3', scriptPath('chat_program'), '--program', `${program.path}/chatglm`, '--model-path', weights.path, '--devices', String(devices),
      '--idle-minutes', String(idleMinutes),
    ],
    fragment: { terminal: true, scripts: ['check_start', 'chat_program'], requests: { cpu: '4', memory: '4Gi' } },
  };
}

function checkWords(devices: number): string[] {
  return ['python3', scriptPath('check_start'), '--vendor', 'sophon', '--devices', String(devices), '--'];
}
