import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { SecurityLevel } from '../pods/security-level';
import { atbMeasureSteps } from './atb-measure';
import { hostGibibytes } from './atb-memory';
import { atbCheck, atbEnv, type AtbStack, MODEL_PACKAGES, sourceTreeOf } from './atb-stack';
import { atbWeightSteps } from './atb-steps';
import { ATB_MODELS, atbWeights, checkWorldSize, RUNNABLE_FORMATS } from './atb-weights';
import { chatTask } from './model-steps';
import type { RuntimeDialect, ServeRequest, ServeTask } from './runtime-dialect';
import { type ServingOptions, serveTask } from './serving';
import { ServingBackend } from './serving-backend';
import type { ChatRequest } from './step-requests';
import type { Task } from './task';

/** Options of `Runtime.atbModels`. */
export interface AtbModelsOptions {
  /**
   * An image with CANN, ATB, torch_npu, transformers 4.30.2, atb_speed 1.0.8 and Python 3; `container/images/atb-models` makes one, no public one is known.
   *
   * ATB must be of the 7.0.T8xx releases (January 2024), as the source tree is: in later ones `transposeB` of a matrix product means the opposite.
   */
  readonly image: string;

  /**
   * The source tree of ModelLink at commit 839b2483, as an artifact that `DownloadFiles` makes.
   *
   * @default - none, which only ServingBackend.ECHO can do
   */
  readonly sourceTree?: Artifact;

  /**
   * Files whose environment is sourced before the process starts, in order. The pod's own variables win over theirs.
   *
   * @default - `set_env.sh` of the CANN toolkit, of the ATB library and of the ATB models at their default places
   */
  readonly setEnvScripts?: string[];

  /**
   * An image with CANN's ModelSlim, plain PyTorch 2.0.0, transformers 4.30.2 and no torch_npu, for quantizing and compressing.
   *
   * @default - none, so that neither can be done
   */
  readonly modelSlimImage?: string;

  /**
   * Files whose environment is sourced in `modelSlimImage`.
   *
   * @default - `set_env.sh` of the CANN toolkit
   */
  readonly modelSlimSetEnvScripts?: string[];

  /**
   * Build ModelSlim's compressor in this toolkit, e.g. `/usr/local/Ascend/ascend-toolkit`, before weights are compressed.
   *
   * @default - the image was made with it
   */
  readonly compressorToolkit?: string;
}

/** Default places of the installers. */
const TOOLKIT_SET_ENV = '/usr/local/Ascend/ascend-toolkit/set_env.sh';
const SET_ENV_SCRIPTS = [TOOLKIT_SET_ENV, '/usr/local/Ascend/nnal/atb/set_env.sh', '/usr/local/Ascend/atb-models/set_env.sh'];

/** get_is_format_nz of ModelLink@839b2483 main.py. */
const KERNELS = 'its kernels know the SoC versions of 310P (200 to 203) and of 910B (220 to 224) only';

/** Tokens come in blocks of 16 on the 310P, as container/atb lays them out. */
const BLOCK_TOKENS = 16;

/** ChatGLM2 on PyTorch with Ascend Transformer Boost (atb_models of ModelLink@839b2483). Weights load for minutes, so start-up gets at least 15. */
export function atbModels(options: AtbModelsOptions): RuntimeDialect {
  const stack = stackOf(options);
  return {
    name: ATB_MODELS,
    needsAccelerator: true,
    models: ['chatglm2-6b', 'chatglm2-6b-32k'],
    unsupported: { '910A': KERNELS, '910C': KERNELS, 310: KERNELS },
    backend: ServingBackend._of('atb'),
    weightsFormat: ArtifactFormat.HUGGING_FACE,
    furtherFormats: RUNNABLE_FORMATS,
    serve: (request) => serve(stack, request),
    chat: (request) => chat(stack, request),
    steps: { ...atbWeightSteps(stack), ...atbMeasureSteps(stack) },
  };
}

function stackOf({ image, sourceTree, setEnvScripts, modelSlimImage, modelSlimSetEnvScripts, compressorToolkit }: AtbModelsOptions): AtbStack {
  checkImage('image', image);
  if (modelSlimImage !== undefined) {
    checkImage('modelSlimImage', modelSlimImage);
  }
  sourceTree?._require([ArtifactFormat.SOURCE_TREE], 'sourceTree', 'DownloadFiles with ArtifactFormat.SOURCE_TREE makes one');
  return {
    image, sourceTree, setEnvScripts: setEnvScripts ?? SET_ENV_SCRIPTS, modelSlimImage,
    modelSlimSetEnvScripts: modelSlimSetEnvScripts ?? [TOOLKIT_SET_ENV], buildGraph: compressorToolkit,
  };
}

function serve(stack: AtbStack, request: ServeRequest): ServeTask {
  const { accelerator, devices, backend, weights } = request;
  checkWorldSize('devices', devices, accelerator);
  const server = { ...stack, runtime: ATB_MODELS, minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT, fragment: { env: serverEnv(request) } };
  return backend.name === 'echo' || weights === undefined ? serveTask(server, request) : serveModel(stack, server, { ...request, weights });
}

function serveModel(stack: AtbStack, server: ServingOptions, request: ServeRequest & { readonly weights: Artifact }): ServeTask {
  const { model, options, inputs, gibibytes } = loaded(stack, request);
  const { env = [] } = server.fragment ?? {};
  return serveTask({
    ...server, server: 'serve_atb', ranks: true, inputs, gibibytes, backendOptions: options, check: atbCheck(request.devices, MODEL_PACKAGES), fragment: { env, scripts: ['check_start'] },
  }, { ...request, weights: model });
}

/** One device: ranks have no terminal. */
function chat(stack: AtbStack, request: ChatRequest): Task {
  checkWorldSize('devices', request.devices, request.accelerator);
  if (request.devices !== 1) {
    throw new Error(`'devices' must be 1 for a chat of runtime '${ATB_MODELS}', got ${String(request.devices)}: only one process has the terminal; use WebInterface`);
  }
  const { model, options, inputs, gibibytes } = loaded(stack, request);
  return chatTask({
    ...stack, runtime: ATB_MODELS, backend: 'atb', minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT, script: 'chat_atb', inputs, gibibytes,
    backendOptions: options, check: atbCheck(1, MODEL_PACKAGES), fragment: { env: serverEnv(request), scripts: ['check_start'] },
  }, { ...request, weights: model });
}

interface Loaded {
  readonly model: Artifact;
  /** The backend's options. */
  readonly options: Readonly<Record<string, string>>;
  /** What is read beside the model. */
  readonly inputs: readonly Artifact[];
  /** Memory of the host in GiB. */
  readonly gibibytes: number;
}

function loaded(stack: AtbStack, { model: asked, weights, devices, dtype, accelerator }: Omit<ChatRequest, 'idleMinutes'>): Loaded {
  const { model, precision, compressed } = atbWeights(weights, devices, dtype, accelerator);
  const tree = sourceTreeOf(stack);
  return {
    model, options: { tree: tree.path, precision, ...(compressed && { compressed: compressed.path }) }, inputs: [tree, ...(compressed ? [compressed] : [])],
    gibibytes: hostGibibytes(asked, precision, devices),
  };
}

/** On the node's network HCCL would take the address of the pod network's interface (MindCluster docs, 15_yaml_configuration.md). */
function serverEnv({ accelerator, contextLength, hostNetwork }: Pick<ServeRequest, 'accelerator' | 'contextLength' | 'hostNetwork'>): NonNullable<ServeTask['fragment']['env']> {
  return [
    ...atbEnv(accelerator),
    { name: 'MAX_SEQ_LEN', value: String(Math.ceil(contextLength / BLOCK_TOKENS) * BLOCK_TOKENS) },
    ...(hostNetwork === true ? [{ name: 'HCCL_IF_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } }] : []),
  ];
}
