import { Chart } from 'cdk8s';
import type { Service, ServiceType } from 'cdk8s-plus-27';
import { Construct } from 'constructs';

import { checkImage } from '../lib/image';
import type { ProbeSet } from '../lib/pods/pod-fragment';
import { scriptPath } from '../lib/pods/scripts';
import { SecurityLevel } from '../lib/pods/security-level';
import { API_KEYS, apiKeysEnv, HTTP_PORT } from '../lib/runtimes/serving';
import type { Task } from '../lib/runtimes/task';
import type { WorkloadOptions } from '../lib/workload-options';
import type { InferenceDeployment } from './inference-deployment';
import type { IngressOptions } from './inference-deployment-props';
import { located } from './located';
import { checkPort, SERVICE_PORT } from './serve-request';
import { renderServer } from './server';
import { renderIngress } from './server-ingress';
import { renderService } from './server-service';

/** A page to talk to a model. */
export interface WebInterfaceProps extends WorkloadOptions, IngressOptions {
  /** Who answers. */
  readonly server: InferenceDeployment;
  /** An image with Python 3.7 or later and gradio, from 3.34 to a 4. */
  readonly image: string;

  /**
   * The port of the page, 1024 to 65535.
   *
   * @default 7860
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

/** Time to import gradio on a slow disk. */
const STARTUP_SECONDS = 120;
/** Pulling the image, and starting. */
const PROGRESS_SECONDS = 900;

/**
 * A Deployment with a chat page in front of a server. It needs no device; questions go to the server's Service, with
 * a key from the same Secret where the server asks for one.
 */
export class WebInterface extends Construct {
  /** The Service in front of the page. */
  public readonly service: Service;

  /**
   * @throws if the image is not pinned, a port is out of range, or the server's NetworkPolicy refuses the page
   */
  constructor(scope: Construct, id: string, props: WebInterfaceProps) {
    super(scope, id);
    const { containerPort = 7860, servicePort = SERVICE_PORT, serviceType } = props;
    const server = located(this, () => {
      checkPort('containerPort', containerPort, 1024);
      checkPort('servicePort', servicePort, 1);
      checkLetIn(Chart.of(this), props.server);
      return renderServer(this, { task: webTask(props, props.server.urlFrom(this), containerPort), options: props, scale: { replicas: 1, atLeast: 1, atMost: 1 }, progressDeadlineSeconds: PROGRESS_SECONDS });
    });
    this.service = renderService(this, server, { port: servicePort, targetPort: containerPort, type: serviceType });
    located(this, () => renderIngress(this, server, this.service, props));
  }
}

function checkLetIn({ namespace }: Chart, { _clientNamespaces: clients }: InferenceDeployment): void {
  if (namespace !== undefined && clients?.includes(namespace) === false) {
    throw new Error(`the page is in the namespace '${namespace}', which the NetworkPolicy of its server refuses; add it to the server's 'clientNamespaces', got ${clients.join(', ') || 'none'}`);
  }
}

function webTask({ server, image }: WebInterfaceProps, url: string, port: number): Task {
  checkImage('image', image);
  return {
    name: 'web', runtime: 'web', image, inputs: [], security: SecurityLevel.NON_ROOT,
    command: [
      'python3', scriptPath('serve_web'), '--server', url, '--model-name', server.model.name, '--port', String(port),
      ...(server._apiKeys === undefined ? [] : ['--api-keys-env', API_KEYS]),
    ],
    fragment: {
      scripts: ['serve_web'], ports: [{ name: HTTP_PORT, containerPort: port }], probes: pageProbes(),
      env: apiKeysEnv(server._apiKeys), requests: { cpu: '100m', memory: '512Mi' }, terminationGracePeriodSeconds: 30,
    },
  };
}

function pageProbes(): ProbeSet {
  const page = { httpGet: { path: '/', port: HTTP_PORT }, timeoutSeconds: 5 };
  return {
    startup: { ...page, periodSeconds: 5, failureThreshold: STARTUP_SECONDS / 5 },
    readiness: { ...page, periodSeconds: 10, failureThreshold: 3 },
    liveness: { ...page, periodSeconds: 20, failureThreshold: 6 },
  };
}
