import { weightsBytes } from '../models/memory-estimate';
import { httpProbes, startupSeconds } from '../pods/probes';
import { scriptPath } from '../pods/scripts';
import { type SecurityLevel } from '../pods/security-level';
import type { ServeRequest } from './runtime-dialect';
import { SHIPPED_BACKENDS } from './serving-backend';
import { sharedMemory, type Task } from './task';

/** The port name of every server. */
export const HTTP_PORT = 'http';

/** Seconds that a server goes on accepting after SIGTERM, until endpoints have followed. */
const DRAIN_DELAY_SECONDS = 5;
/** Seconds that running generations get to end. */
const DRAIN_SECONDS = 120;

/** What differs between the runtimes that serve through `container/serve`. */
export interface ServingOptions {
  readonly runtime: string;
  readonly image: string;
  /** Files whose environment is sourced before the server starts. */
  readonly setEnvScripts: readonly string[];
  /** The least start-up budget in seconds. */
  readonly minimumStartupSeconds: number;
  readonly security: SecurityLevel;
}

/** The task of serving a model by the OpenAI-compatible server. */
export function serveTask(options: ServingOptions, request: ServeRequest): Task {
  checkBackend(options.runtime, request);
  const { model, weights, dtype, port, devices } = request;
  const bytes = weights === undefined ? 0 : weightsBytes(model, dtype);
  const gibibytes = Math.ceil(1.5 * bytes / 2 ** 30) + 1;
  const sourced = options.setEnvScripts.length > 0;
  return {
    name: 'serve',
    runtime: options.runtime,
    image: options.image,
    command: [...vendorEnv(options.setEnvScripts), ...serverCommand(request)],
    inputs: weights === undefined ? [] : [weights],
    security: options.security,
    fragment: {
      ports: [{ name: HTTP_PORT, containerPort: port }],
      probes: httpProbes(HTTP_PORT, startupSeconds(bytes, options.minimumStartupSeconds)),
      requests: { cpu: devices === 0 ? '100m' : String(4 * devices), memory: devices === 0 ? '128Mi' : `${String(gibibytes)}Gi` },
      scripts: ['serve_model', ...(sourced ? ['with_vendor_env'] : [])],
      terminationGracePeriodSeconds: DRAIN_DELAY_SECONDS + DRAIN_SECONDS,
      ...(devices > 0 ? sharedMemory(1024 * devices) : {}),
    },
  };
}

/** The words that source a vendor's `set_env.sh` files around a command, the pod's own environment winning. */
export function vendorEnv(setEnvScripts: readonly string[]): string[] {
  if (setEnvScripts.length === 0) {
    return [];
  }
  return ['bash', scriptPath('with_vendor_env').replace(/\.py$/, '.sh'), ...setEnvScripts.flatMap((file) => ['--source', file]), '--'];
}

function serverCommand({ model, weights, contextLength, backend, port }: ServeRequest): string[] {
  return [
    'python3', scriptPath('serve_model'), '--backend', backend.name, '--model-name', model.name, '--model-family', model.family,
    ...(weights === undefined ? [] : ['--model-path', weights.path]),
    '--port', String(port), '--context-length', String(contextLength), '--drain-delay', String(DRAIN_DELAY_SECONDS),
  ];
}

function checkBackend(runtime: string, { backend }: ServeRequest): void {
  if (!SHIPPED_BACKENDS.includes(backend.name)) {
    throw new Error(`runtime '${runtime}' serves through the backend '${backend.name}', which this version does not ship (it ships ${SHIPPED_BACKENDS.join(', ')}); `
      + 'set \'backend: ServingBackend.ECHO\' to start the server without the model');
  }
}
