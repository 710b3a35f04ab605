import { Service, ServiceType } from 'cdk8s-plus-27';
import { Construct } from 'constructs';

import type { Accelerator } from '../lib/accelerators/accelerator';
import { checkMemory, type DeviceOptions, type ResolvedDevices, resolveDevices } from '../lib/accelerators/device-options';
import { Dtype } from '../lib/accelerators/dtype';
import type { Artifact } from '../lib/artifacts/artifact';
import { WAIT_SECONDS } from '../lib/artifacts/artifact-mounts';
import { downloadDeadline } from '../lib/artifacts/download';
import type { GlmModel } from '../lib/models/glm-model';
import { MemoryTask } from '../lib/models/memory-estimate';
import { Platform } from '../lib/platform';
import type { ServeRequest } from '../lib/runtimes/runtime-dialect';
import type { Runtime } from '../lib/runtimes/runtime';
import { HTTP_PORT } from '../lib/runtimes/serving';
import type { ServingBackend } from '../lib/runtimes/serving-backend';
import type { Task } from '../lib/runtimes/task';
import type { WorkloadOptions } from '../lib/workload-options';
import { located } from './located';
import { type RenderedServer, renderServer } from './server';

/** A model to serve. */
export interface InferenceDeploymentProps extends WorkloadOptions, DeviceOptions {
  /** The model; clients name it in their requests. */
  readonly model: GlmModel;
  /** The software that serves it. */
  readonly runtime: Runtime;

  /**
   * The weights, in the format that the runtime reads.
   *
   * @default - none, which only the echo backend can do
   */
  readonly weights?: Artifact;

  /**
   * The chip.
   *
   * @default - none, which only the echo runtime can do
   */
  readonly accelerator?: Accelerator;

  /**
   * Devices of each pod; the model is split over them.
   *
   * @default - 1 with an accelerator, else 0
   */
  readonly devices?: number;

  /**
   * Precision of the weights.
   *
   * @default Dtype.FLOAT16
   */
  readonly dtype?: Dtype;

  /**
   * The longest sequence in tokens, prompt and answer together.
   *
   * @default - 2048, or the model's if that is less
   */
  readonly contextLength?: number;

  /**
   * Pods that answer.
   *
   * @default 1
   */
  readonly replicas?: number;

  /**
   * What generates the text.
   *
   * @default - the runtime's own
   */
  readonly backend?: ServingBackend;

  /**
   * The port of the server, 1024 to 65535.
   *
   * @default 8000
   */
  readonly containerPort?: number;

  /**
   * The port of the Service.
   *
   * @default 80
   */
  readonly servicePort?: number;

  /**
   * How the Service is reached.
   *
   * @default ServiceType.CLUSTER_IP
   */
  readonly serviceType?: ServiceType;
}

/** Pulling an image of tens of gigabytes and getting scheduled. */
const PULL_SECONDS = 1800;

/**
 * A Deployment that serves a model by the OpenAI API, and its Service.
 *
 * It is recreated on change, because the pods of a rolling update would need devices that do not exist. Probes leave time to load the
 * weights, and `progressDeadlineSeconds` follows from the same budget and from the download where a pod does it.
 */
export class InferenceDeployment extends Construct {
  /** The Service in front of the pods. */
  public readonly service: Service;

  /**
   * @throws if runtime, model, chip, device count, precision and memory do not go together, or a count or port is out of range
   */
  constructor(scope: Construct, id: string, props: InferenceDeploymentProps) {
    super(scope, id);
    const server = located(this, () => this.renderServer(props));
    this.service = new Service(this, 'service', {
      metadata: { name: server.name, labels: { ...server.labels } },
      type: props.serviceType ?? ServiceType.CLUSTER_IP,
      ports: [{ name: HTTP_PORT, port: props.servicePort ?? 80, targetPort: props.containerPort ?? 8000 }],
    });
    Object.entries(server.selector).forEach(([key, value]) => { this.service.selectLabel(key, value); });
  }

  private renderServer(props: InferenceDeploymentProps): RenderedServer {
    const platform = Platform.of(this);
    const request = serveRequest(props);
    const task = props.runtime._serve(request);
    const devices = resolve(props, request, platform);
    return renderServer(this, {
      task, devices, accelerator: props.accelerator, options: props, replicas: checkReplicas(props),
      progressDeadlineSeconds: progressDeadline(task, platform),
    });
  }
}

function serveRequest(props: InferenceDeploymentProps): ServeRequest {
  const { model, runtime, weights, accelerator, dtype = Dtype.FLOAT16, backend = runtime._backend, containerPort = 8000 } = props;
  const devices = props.devices ?? (accelerator === undefined ? 0 : 1);
  const contextLength = props.contextLength ?? Math.min(2048, model.maxSequenceLength);
  checkContextLength(model, contextLength);
  checkPort('containerPort', containerPort, 1024);
  checkPort('servicePort', props.servicePort ?? 80, 1);
  if (props.serviceType === ServiceType.EXTERNAL_NAME) {
    throw new Error('\'serviceType\' must be ClusterIP, NodePort or LoadBalancer, got ExternalName, which has no pods behind it');
  }
  if (accelerator === undefined && devices !== 0) {
    throw new Error(`'devices' is ${String(devices)}, but no 'accelerator' says of what`);
  }
  return { model, weights, accelerator, devices, dtype, contextLength, backend, port: containerPort };
}

function checkContextLength(model: GlmModel, contextLength: number): void {
  if (!Number.isInteger(contextLength) || contextLength < 1 || contextLength > model.maxSequenceLength) {
    throw new Error(`'contextLength' must be a whole number from 1 to ${String(model.maxSequenceLength)} for ${model.name}, got ${String(contextLength)}`);
  }
}

function checkPort(name: string, port: number, minimum: number): void {
  if (!Number.isInteger(port) || port < minimum || port > 65535) {
    throw new Error(`'${name}' must be a whole number from ${String(minimum)} to 65535, got ${String(port)}`);
  }
}

function resolve(props: InferenceDeploymentProps, request: ServeRequest, platform: Platform): ResolvedDevices | undefined {
  const { accelerator, model, dtype, contextLength, devices } = request;
  if (accelerator === undefined) {
    return undefined;
  }
  if (!accelerator.dtypes.includes(dtype)) {
    throw new Error(`'dtype' must be one of ${accelerator.dtypes.join(', ')} on ${accelerator.name}, got ${dtype}`);
  }
  const resolved = resolveDevices(accelerator, { devices, nodes: 1 }, props, platform);
  checkMemory(accelerator, { model, dtype, devices, task: MemoryTask.INFERENCE, seqLength: contextLength, batch: 1 }, props, resolved.plugin);
  return resolved;
}

function checkReplicas({ replicas = 1, weights }: InferenceDeploymentProps): number {
  if (!Number.isInteger(replicas) || replicas < 0) {
    throw new Error(`'replicas' must be a whole number from 0, got ${String(replicas)}`);
  }
  if (replicas > 1 && weights?.store.shared === false) {
    throw new Error(`'replicas' is ${String(replicas)}, but the store '${weights.store.storeName}' can be used on one node only; make it ReadWriteMany, or use one replica`);
  }
  return replicas;
}

function progressDeadline({ inputs, fragment }: Task, platform: Platform): number {
  const startup = fragment.probes?.startup;
  const download = inputs.map(({ _download }) => _download === undefined ? 0 : downloadDeadline(_download, platform));
  const wait = inputs.some((input) => input.marked && input._download === undefined) ? WAIT_SECONDS : 0;
  return (startup?.failureThreshold ?? 0) * (startup?.periodSeconds ?? 0) + download.reduce((sum, seconds) => sum + seconds, PULL_SECONDS + wait);
}
