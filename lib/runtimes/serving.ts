import type { Artifact } from '../artifacts/artifact';
import { weightsBytes } from '../models/memory-estimate';
import type { EnvEntry, PodFragment } from '../pods/pod-fragment';
import { httpProbes, startupSeconds } from '../pods/probes';
import { scriptPath } from '../pods/scripts';
import { type SecurityLevel } from '../pods/security-level';
import type { SecretKey, ServeRequest, ServeTask } from './runtime-dialect';
import { sharedMemory } from './task';

/** The script that serves all backends in its own process. */
const SERVER = 'serve_model';

/** The port name of every server. */
export const HTTP_PORT = 'http';

/** The server's metric of waiting requests (`container/serve/main.py`). */
const QUEUE_METRIC = 'chatglm_queue_length';

/** Seconds that a server goes on accepting after SIGTERM, until endpoints have followed. */
const DRAIN_DELAY_SECONDS = 5;
/** Seconds that running generations get to end; `--drain-timeout` of the servers has the same default. */
const DRAIN_SECONDS = 120;
/** Seconds that a launcher needs beyond that of its ranks. */
const LAUNCHER_SECONDS = 10;

/** The variable with the keys that clients must send. */
export const API_KEYS = 'API_KEYS';

/** What differs between the runtimes that serve through `container/serve`. */
export interface ServingOptions {
  readonly runtime: string;
  readonly image: string;
  /** Files whose environment is sourced before the server starts. */
  readonly setEnvScripts: readonly string[];
  /** The least start-up budget in seconds. */
  readonly minimumStartupSeconds: number;
  readonly security: SecurityLevel;
  /** Settings of the backend, the `--backend-option` of serve_model.py. */
  readonly backendOptions?: Readonly<Record<string, string>>;
  /** The script of the server, where its backend has one of its own. */
  readonly server?: string;
  /** Start one rank a device through the launcher, as PyTorch's distributed processes. */
  readonly ranks?: boolean;
  /** Environment, scripts and volumes beside those of every server. */
  readonly fragment?: Pick<PodFragment, 'env' | 'scripts'>;
  /** Words before the server's command, inside the vendor's environment. */
  readonly check?: readonly string[];
  /** Artifacts that it needs beside the weights. */
  readonly inputs?: readonly Artifact[];
  /** Memory of the host in GiB, where it is not the weights' that pass through it. */
  readonly gibibytes?: number;
}

/** The task of serving a model by the OpenAI-compatible server. */
export function serveTask(options: ServingOptions, request: ServeRequest): ServeTask {
  const { model, weights, dtype } = request;
  const bytes = weights === undefined ? 0 : weightsBytes(model, dtype);
  return {
    name: 'serve',
    runtime: options.runtime,
    image: options.image,
    command: [...vendorEnv(options.setEnvScripts), ...options.check ?? [], ...launcher(options, request), ...serverCommand(options, request)],
    inputs: [...(weights === undefined ? [] : [weights]), ...options.inputs ?? []],
    security: options.security,
    metricsPort: HTTP_PORT,
    queueMetric: QUEUE_METRIC,
    fragment: serverFragment(options, request, bytes),
  };
}

function serverFragment(options: ServingOptions, request: ServeRequest, bytes: number): ServeTask['fragment'] {
  const { port, devices } = request;
  const env = [...apiKeysEnv(request.apiKeys), ...options.fragment?.env ?? []];
  return {
    ports: [{ name: HTTP_PORT, containerPort: port }],
    probes: httpProbes(HTTP_PORT, startupSeconds(bytes, options.minimumStartupSeconds)),
    requests: devices === 0 ? { cpu: '100m', memory: '128Mi' } : { cpu: String(4 * devices), memory: `${String(options.gibibytes ?? Math.ceil(1.5 * bytes / 2 ** 30) + 1)}Gi` },
    scripts: serverScripts(options),
    terminationGracePeriodSeconds: graceSeconds(request) + (options.ranks === true ? LAUNCHER_SECONDS : 0),
    ...(env.length > 0 && { env }),
    ...(devices > 0 ? sharedMemory(1024 * devices) : {}),
  };
}

function serverScripts({ server = SERVER, setEnvScripts, ranks = false, fragment }: ServingOptions): string[] {
  return [server, ...(setEnvScripts.length > 0 ? ['with_vendor_env'] : []), ...(ranks ? ['launch'] : []), ...fragment?.scripts ?? []];
}

/** The words that source a vendor's `set_env.sh` files around a command, the pod's own environment winning. */
export function vendorEnv(setEnvScripts: readonly string[]): string[] {
  if (setEnvScripts.length === 0) {
    return [];
  }
  return ['bash', scriptPath('with_vendor_env').replace(/\.py$/, '.sh'), ...setEnvScripts.flatMap((file) => ['--source', file]), '--'];
}

/** Seconds between SIGTERM and the end of a server. */
export function graceSeconds({ drainSeconds = DRAIN_SECONDS }: Pick<ServeRequest, 'drainSeconds'>): number {
  return DRAIN_DELAY_SECONDS + drainSeconds;
}

/** What the scripts of servers are told of the time that `graceSeconds` gives them. */
export function drainFlags({ drainSeconds }: Pick<ServeRequest, 'drainSeconds'>): string[] {
  return ['--drain-delay', String(DRAIN_DELAY_SECONDS), ...(drainSeconds === undefined ? [] : ['--drain-timeout', String(drainSeconds)])];
}

/** The ranks meet on a free port, so that two pods on the network of one node do not collide. */
function launcher({ ranks }: ServingOptions, request: ServeRequest): string[] {
  return ranks === true
    ? ['python3', scriptPath('launch'), '--kind', 'server', '--rank-env', 'torch', '--devices', String(request.devices), '--grace', String(graceSeconds(request)), '--']
    : [];
}

function serverCommand({ backendOptions = {}, server = SERVER }: ServingOptions, request: ServeRequest): string[] {
  const { model, weights, contextLength, backend, port, queueSize, requestTimeoutSeconds, apiKeys } = request;
  const ownBackend = backend.name !== 'echo';
  return [
    'python3', scriptPath(server), '--backend', backend.name, '--model-name', model.name, '--model-family', model.family,
    ...(weights === undefined ? [] : ['--model-path', weights.path]),
    ...(ownBackend ? Object.entries(backendOptions).flatMap(([key, value]) => ['--backend-option', `${key}=${value}`]) : []),
    ...(queueSize === undefined ? [] : ['--queue-size', String(queueSize)]),
    ...(requestTimeoutSeconds === undefined ? [] : ['--request-timeout', String(requestTimeoutSeconds)]),
    ...(apiKeys === undefined ? [] : ['--api-keys-env', API_KEYS]),
    '--port', String(port), '--context-length', String(contextLength), ...drainFlags(request),
  ];
}

/** The variable with the keys that clients must send, where they must. */
export function apiKeysEnv(apiKeys: SecretKey | undefined): EnvEntry[] {
  return apiKeys === undefined ? [] : [{ name: API_KEYS, valueFrom: { secretKeyRef: { name: apiKeys.secretName, key: apiKeys.key } } }];
}
