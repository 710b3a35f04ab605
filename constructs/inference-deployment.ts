import { Chart } from 'cdk8s';
import type { Service } from 'cdk8s-plus-27';
import { Construct, type IConstruct } from 'constructs';

import { checkMemory, type ResolvedDevices, resolveDevices } from '../lib/accelerators/device-options';
import { WAIT_SECONDS } from '../lib/artifacts/artifact-mounts';
import { downloadDeadline } from '../lib/artifacts/download';
import type { GlmModel } from '../lib/models/glm-model';
import { MemoryTask } from '../lib/models/memory-estimate';
import { Platform } from '../lib/platform';
import { checkGiven } from '../lib/required-props';
import type { SecretKey, ServeRequest, ServeTask } from '../lib/runtimes/runtime-dialect';
import type { Task } from '../lib/runtimes/task';
import type { InferenceDeploymentProps } from './inference-deployment-props';
import { located } from './located';
import { apiKeysOf, CONTAINER_PORT, SERVICE_PORT, serveRequest } from './serve-request';
import { type RenderedServer, renderServer } from './server';
import { renderAutoscaler } from './server-autoscaler';
import { renderDisruptionBudget } from './server-disruption-budget';
import { renderIngress } from './server-ingress';
import { renderNetworkPolicy } from './server-network-policy';
import { renderPodMonitor } from './server-pod-monitor';
import { type AskedScale, type ServerScale, serverScale } from './server-scale';
import { renderService } from './server-service';

/** Pulling an image of tens of gigabytes and getting scheduled. */
const PULL_SECONDS = 1800;

/**
 * A Deployment that serves a model by the OpenAI API, its Service, and on request what stands around it: Ingress, autoscaler, NetworkPolicy,
 * PodMonitor.
 *
 * It is recreated on change, because the pods of a rolling update would need devices that do not exist. Probes leave time to load the
 * weights, and `progressDeadlineSeconds` follows from the same budget and from the download where a pod does it.
 */
export class InferenceDeployment extends Construct {
  /** The Service in front of the pods. */
  public readonly service: Service;
  /** What it serves. */
  public readonly model: GlmModel;
  /** @internal where clients of this library find a key that it takes */
  public readonly _apiKeys?: SecretKey;
  /** @internal the namespaces that its NetworkPolicy lets in, if it has one */
  public readonly _clientNamespaces?: readonly string[];
  private readonly port: number;

  /**
   * @throws if runtime, model, chip, device count, precision and memory do not go together, or a count or port is out of range
   */
  constructor(scope: Construct, id: string, props: InferenceDeploymentProps) {
    super(scope, id);
    const { server, task, scale } = located(this, () => this.renderServer(props));
    const { servicePort = SERVICE_PORT, containerPort = CONTAINER_PORT, serviceType } = props;
    this.service = renderService(this, server, { port: servicePort, targetPort: containerPort, type: serviceType });
    this.model = props.model;
    this.port = servicePort;
    this._apiKeys = apiKeysOf(props);
    this._clientNamespaces = props.clientNamespaces;
    located(this, () => {
      renderIngress(this, server, this.service, props);
      renderAutoscaler(this, server, task, props);
      renderDisruptionBudget(this, server, scale);
      renderPodMonitor(this, server, task.metricsPort, props);
      renderNetworkPolicy(this, server, task, props);
    });
  }

  /** Where pods of a chart find the API: scheme, host and port. */
  public urlFrom(client: IConstruct): string {
    const [mine, theirs] = [Chart.of(this).namespace, Chart.of(client).namespace];
    const host = mine === undefined || mine === theirs ? this.service.name : `${this.service.name}.${mine}`;
    return `http://${host}${this.port === SERVICE_PORT ? '' : `:${String(this.port)}`}`;
  }

  private renderServer(props: InferenceDeploymentProps): { server: RenderedServer; task: ServeTask; scale: ServerScale } {
    checkGiven(props, 'model', 'runtime');
    const platform = Platform.of(this);
    const request = serveRequest(props);
    const task = props.runtime._serve(request);
    const scale = serverScale(props);
    const devices = resolve(props, request, scale, platform);
    const server = renderServer(this, {
      task, devices, scale, accelerator: props.accelerator, options: props, hostNetwork: props.hostNetwork, updateStrategy: props.updateStrategy,
      spreadOver: props.spreadOver, progressDeadlineSeconds: progressDeadline(task, platform),
    });
    return { server, task, scale };
  }
}

function resolve(props: InferenceDeploymentProps, request: ServeRequest, { atMost, prop }: AskedScale, platform: Platform): ResolvedDevices | undefined {
  const { accelerator, model, dtype, contextLength, devices } = request;
  if (accelerator === undefined) {
    return undefined;
  }
  if (!accelerator.dtypes.includes(dtype)) {
    throw new Error(`'dtype' must be one of ${accelerator.dtypes.join(', ')} on ${accelerator.name}, got ${dtype}`);
  }
  const resolved = resolveDevices(accelerator, { devices, nodes: 1, owner: { kind: 'Deployment', prop, count: atMost } }, props, platform);
  checkMemory(accelerator, { model, dtype, devices, task: MemoryTask.INFERENCE, seqLength: contextLength, batch: 1 }, props, resolved.plugin);
  return resolved;
}

function progressDeadline({ inputs, fragment }: Task, platform: Platform): number {
  const startup = fragment.probes?.startup;
  const download = inputs.map(({ _download }) => _download === undefined ? 0 : downloadDeadline(_download, platform));
  const wait = inputs.some((input) => input.marked && input._download === undefined) ? WAIT_SECONDS : 0;
  return (startup?.failureThreshold ?? 0) * (startup?.periodSeconds ?? 0) + download.reduce((sum, seconds) => sum + seconds, PULL_SECONDS + wait);
}
