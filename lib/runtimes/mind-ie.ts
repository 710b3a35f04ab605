import { Dtype } from '../accelerators/dtype';
import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { GlmFamily } from '../models/glm-model';
import { weightsBytes } from '../models/memory-estimate';
import type { ProbeSet } from '../pods/pod-fragment';
import { startupSeconds } from '../pods/probes';
import { scriptPath } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import { LONGEST_REQUEST_SECONDS, mindIeConfig, MANAGEMENT_PORT, METRICS_PORT, OWN_PORTS } from './mind-ie-config';
import { checkSafetensors, safetensorsStep } from './mind-ie-weights';
import type { RuntimeDialect, ServeRequest, ServeTask } from './runtime-dialect';
import { drainFlags, graceSeconds, HTTP_PORT, vendorEnv } from './serving';
import { ServingBackend } from './serving-backend';
import { sharedMemory } from './task';

/** Options of `Runtime.mindIe`. */
export interface MindIeOptions {
  /** MindIE's image for the chip, e.g. `mindie:2.2.RC1-800I-A2-py311-openeuler24.03-lts` of Huawei's hub, which asks for a login. */
  readonly image: string;

  /**
   * The folder of `mindie-service`, as up to MindIE 2.2 has one: its daemon is started there.
   *
   * @default - `mindie_llm_server` is started, which later releases install as a package
   */
  readonly serviceDirectory?: string;

  /**
   * Files whose environment is sourced before the server starts, in order. The pod's own variables win over theirs.
   *
   * @default - `set_env.sh` of the CANN toolkit and of the ATB library, with `serviceDirectory` also those of ATB models and of MindIE, at their default places
   */
  readonly setEnvScripts?: string[];
}

const NAME = 'mindie';

/** Models of Ascend/MindIE-LLM@8b4871ad docs, list of models: ChatGLM2-6B, ChatGLM3-6B, ChatGLM3-6B-32K and GLM-4-9B on 800I A2, A3 and 300I Duo. */
const MODELS = ['chatglm2-6b', 'chatglm3-6b', 'chatglm3-6b-32k', 'glm-4-9b', 'glm-4-9b-chat'];

/**
 * World sizes by chip series (MindIE-LLM@8b4871ad examples/models/chatglm; A3: model_support_list.md, which counts 1, 2 or 4 without saying whether chips or
 * cards of two, so what holds for both).
 */
const WORLD_SIZES: Readonly<Record<string, readonly number[]>> = { '310P': [1, 2, 4], '910B': [1, 2, 4, 8], '910C': [2, 4] };

const ASCEND = '/usr/local/Ascend';
const CANN_AND_ATB = [`${ASCEND}/ascend-toolkit/set_env.sh`, `${ASCEND}/nnal/atb/set_env.sh`];
const MODELS_AND_SERVICE = [`${ASCEND}/atb-models/set_env.sh`, `${ASCEND}/mindie/set_env.sh`];

/** Where the ConfigMap's file is, and the regular file that the server reads. */
const CONFIG_PATH = '/etc/cdk8s-chatglm/mindie.json';
const WORK_PATH = '/work';

/** Tokenizer processes, and some for everything else. */
const CPUS = 16;
const MINIMUM_STARTUP_SECONDS = 900;
/** A device takes 656 MiB of shared memory and the tokenizers 320 (MindIE-LLM@8b4871ad src/include/utils/shared_memory.h). */
const LEAST_SHARED_MIB = 2048;

/** The gauge of requests that wait (MindIE-LLM@8b4871ad src/server/endpoint/http_wrapper/prometheus_metrics.cpp). */
const QUEUE_METRIC = 'num_requests_waiting';
/** Seconds that the daemon takes to end: 5 for its endpoint and 15 for its processes (src/server/daemon/llm_daemon.cpp there), and some to spare. */
const END_SECONDS = 25;

/** MindIE, Huawei's inference server, which batches requests: the choice for production where it knows model and chip. */
export function mindIe(options: MindIeOptions): RuntimeDialect {
  checkImage('image', options.image);
  return {
    name: NAME,
    needsAccelerator: true,
    models: MODELS,
    backend: ServingBackend._of(NAME),
    weightsFormat: ArtifactFormat.HUGGING_FACE,
    serve: (request) => serve(request, options),
    steps: { convert: (request) => safetensorsStep(request, NAME, options.image) },
  };
}

function serve(request: ServeRequest, options: MindIeOptions): ServeTask {
  const { weights, backend } = request;
  if (backend.name !== NAME || weights === undefined) {
    throw new Error(`'backend' must be that of runtime '${NAME}', got ${backend.name}: its server loads the model even where it is told to mock it; try a cluster with Runtime.echo`);
  }
  checkSafetensors(weights, NAME);
  checkRequest(request);
  checkDtype(request);
  checkQueue(request);
  return {
    name: 'serve', runtime: NAME, image: options.image, command: command(options, request), inputs: [weights], security: SecurityLevel.VENDOR_DEFAULT,
    metricsPort: 'metrics', queueMetric: QUEUE_METRIC, fragment: fragment(request, weights),
  };
}

function command({ serviceDirectory, setEnvScripts }: MindIeOptions, request: ServeRequest): string[] {
  const sourced = setEnvScripts ?? [...CANN_AND_ATB, ...(serviceDirectory === undefined ? [] : MODELS_AND_SERVICE)];
  return [
    ...vendorEnv(sourced), 'python3', scriptPath('check_start'), '--vendor', 'ascend', '--devices', String(request.devices), '--',
    'python3', scriptPath('start_mindie'), '--config', CONFIG_PATH, '--target', `${WORK_PATH}/config.json`,
    '--work-dir', serviceDirectory ?? WORK_PATH, ...drainFlags(request), '--', serviceDirectory === undefined ? 'mindie_llm_server' : './bin/mindieservice_daemon',
  ];
}

function fragment(request: ServeRequest, weights: Artifact): ServeTask['fragment'] {
  const { port, devices, model, dtype } = request;
  const bytes = weightsBytes(model, dtype);
  const shm = sharedMemory(Math.max(LEAST_SHARED_MIB, 1024 * devices));
  return {
    ports: [{ name: HTTP_PORT, containerPort: port }, { name: 'management', containerPort: MANAGEMENT_PORT }, { name: 'metrics', containerPort: METRICS_PORT }],
    probes: managementProbes(startupSeconds(bytes, MINIMUM_STARTUP_SECONDS)),
    requests: { cpu: String(CPUS), memory: `${String(Math.ceil(1.5 * bytes / 2 ** 30) + 8)}Gi` },
    scripts: ['check_start', 'start_mindie', 'with_vendor_env'],
    files: [{ path: CONFIG_PATH, text: mindIeConfig(request, weights.path) }],
    terminationGracePeriodSeconds: graceSeconds(request) + END_SECONDS,
    volumes: [...shm.volumes, { name: 'work', emptyDir: {} }],
    mounts: [...shm.mounts, { name: 'work', mountPath: WORK_PATH }],
    env: [
      ...['MIES_CONTAINER_IP', 'MIES_CONTAINER_MANAGEMENT_IP'].map((name) => ({ name, valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } })),
      // Weights on a shared volume belong to whoever downloaded them.
      { name: 'MINDIE_CHECK_INPUTFILES_PERMISSION', value: '0' },
      { name: 'MINDIE_LOG_TO_STDOUT', value: '1' },
      // Without it /metrics answers 500.
      { name: 'MIES_SERVICE_MONITOR_MODE', value: '1' },
    ],
  };
}

/**
 * A server that is busy answers `ready` with 503 and `live` with 200: it leaves the Service, but is not killed. It tells busy from dead by the load of its
 * devices, which only root may read (MindIE-LLM@8b4871ad src/server/endpoint/http_wrapper/http_handler.cpp, src/utils/log/file_utils.cpp).
 */
function managementProbes(startup: number): ProbeSet {
  const probe = (path: string): { httpGet: { path: string; port: string } } => ({ httpGet: { path, port: 'management' } });
  return {
    startup: { ...probe('/v2/health/ready'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: Math.ceil(startup / 10) },
    readiness: { ...probe('/v2/health/ready'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    liveness: { ...probe('/v2/health/live'), periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6, terminationGracePeriodSeconds: 10 },
  };
}

function checkRequest({ accelerator, devices, port, apiKeys, contextLength }: ServeRequest): void {
  const sizes = WORLD_SIZES[accelerator?.series ?? ''];
  if (sizes?.includes(devices) === false) {
    throw new Error(`'devices' must be one of ${sizes.join(', ')} for runtime '${NAME}' on ${String(accelerator)}, got ${String(devices)}`);
  }
  if (OWN_PORTS.includes(port)) {
    throw new Error(`'containerPort' must not be ${String(port)}: runtime '${NAME}' has ${OWN_PORTS.join(', ')} for itself`);
  }
  if (contextLength < 2) {
    throw new Error(`'contextLength' must be at least 2 for runtime '${NAME}', a token to read and one to write, got ${String(contextLength)}`);
  }
  if (apiKeys !== undefined) {
    throw new Error(`'apiKeysSecret' does not go with runtime '${NAME}', which checks no keys; let the Ingress do it`);
  }
}

/** The models' READMEs list no bfloat16 for ChatGLM2 and 3 (MindIE-LLM@8b4871ad examples/models/chatglm). */
function checkDtype({ model, dtype }: ServeRequest): void {
  const known = model.family === GlmFamily.GLM4 ? [Dtype.FLOAT16, Dtype.BFLOAT16] : [Dtype.FLOAT16];
  if (!known.includes(dtype)) {
    throw new Error(`'dtype' must be ${known.join(' or ')} for ${model.name} with runtime '${NAME}', which computes in what the weights' config.json says, got ${dtype}`);
  }
}

function checkQueue({ queueSize, requestTimeoutSeconds = 0 }: ServeRequest): void {
  if (queueSize !== undefined) {
    throw new Error(`'queueSize' does not go with runtime '${NAME}', which has a queue of its own`);
  }
  if (requestTimeoutSeconds > LONGEST_REQUEST_SECONDS) {
    throw new Error(`'requestTimeout' must be at most ${String(LONGEST_REQUEST_SECONDS)} seconds for runtime '${NAME}', got ${String(requestTimeoutSeconds)}`);
  }
}
