import type { Duration } from 'cdk8s';
import type { ISecret, ServiceType } from 'cdk8s-plus-27';

import type { Accelerator } from '../lib/accelerators/accelerator';
import type { DeviceOptions } from '../lib/accelerators/device-options';
import type { Dtype } from '../lib/accelerators/dtype';
import type { Artifact } from '../lib/artifacts/artifact';
import type { GlmModel } from '../lib/models/glm-model';
import type { Runtime } from '../lib/runtimes/runtime';
import type { ServingBackend } from '../lib/runtimes/serving-backend';
import type { WorkloadOptions } from '../lib/workload-options';
import type { UpdateStrategy } from '../lib/workloads/update-strategy';

/** An Ingress in front of a Service. */
export interface IngressOptions {
  /**
   * Host name of an Ingress in front of the Service.
   *
   * @default - no Ingress
   */
  readonly ingressHost?: string;

  /**
   * Path of the Ingress, and what begins with it. What stands behind knows no prefix: let the controller take it off, by `ingressAnnotations`.
   *
   * @default '/'
   */
  readonly ingressPath?: string;

  /**
   * A TLS Secret with the certificate of `ingressHost`.
   *
   * @default - no TLS
   */
  readonly ingressTlsSecret?: ISecret;

  /**
   * The IngressClass.
   *
   * @default - the cluster's default
   */
  readonly ingressClassName?: string;

  /**
   * Annotations of the Ingress, for its controller: answers are streamed for minutes, so buffering and time-outs are worth a look.
   *
   * @default - none
   */
  readonly ingressAnnotations?: { [key: string]: string };
}

/** How the clients of a server reach it. */
export interface ServerAccessOptions extends IngressOptions {
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

  /**
   * Names of the namespaces whose pods may connect, e.g. those of the clients, of the ingress controller and of Prometheus. Given, a NetworkPolicy
   * refuses all others, and the pods themselves reach the name servers and `egressCidrs` only.
   *
   * @default - no NetworkPolicy
   */
  readonly clientNamespaces?: string[];

  /**
   * Networks that the pods may reach although there is a NetworkPolicy: the hub or the proxy of a download in the pod.
   *
   * @default - none
   */
  readonly egressCidrs?: string[];

  /**
   * A Secret with the keys that clients must send, separated by commas or white space. A changed Secret takes effect in new pods.
   *
   * @default - everybody who can connect may ask
   */
  readonly apiKeysSecret?: ISecret;

  /**
   * The key of `apiKeysSecret` that holds them.
   *
   * @default 'api-keys'
   */
  readonly apiKeysSecretKey?: string;
}

/** How many pods of a server there are, and where. */
export interface ServerScaleOptions {
  /**
   * Pods that answer. From two on, a PodDisruptionBudget lets one go at a time. MindCluster's Volcano up to 7.2 places all of them or none.
   *
   * @default - 1, or what the autoscaler says
   */
  readonly replicas?: number;

  /**
   * The most pods that an autoscaler may start. It needs an adapter for custom metrics, which docs/serving.md shows.
   *
   * @default - no autoscaler
   */
  readonly maxReplicas?: number;

  /**
   * The least pods that an autoscaler keeps.
   *
   * @default 1
   */
  readonly minReplicas?: number;

  /**
   * The metric of the pods that the autoscaler follows.
   *
   * @default - the server's queue: `chatglm_queue_length`, of MindIE `num_requests_waiting`
   */
  readonly queueMetric?: string;

  /**
   * The mean of `queueMetric` over the pods above which the autoscaler starts another one.
   *
   * @default 2
   */
  readonly targetQueueLength?: number;

  /**
   * How the pods of a changed server are replaced.
   *
   * @default UpdateStrategy.RECREATE
   */
  readonly updateStrategy?: UpdateStrategy;

  /**
   * A label of nodes over whose values the pods are spread if possible.
   *
   * @default - from two replicas on `kubernetes.io/hostname`
   */
  readonly spreadOver?: string;

  /**
   * Let Prometheus read the pods' metrics by a PodMonitor, whose kind the Prometheus operator brings.
   *
   * @default false
   */
  readonly podMonitor?: boolean;

  /**
   * Labels of the PodMonitor, by which Prometheus chooses it.
   *
   * @default - none
   */
  readonly podMonitorLabels?: { [key: string]: string };
}

/** A model to serve. */
export interface InferenceDeploymentProps extends WorkloadOptions, DeviceOptions, ServerAccessOptions, ServerScaleOptions {
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
   * What generates the text.
   *
   * @default - the runtime's own
   */
  readonly backend?: ServingBackend;

  /**
   * Requests that may wait for the model; more are answered with 429.
   *
   * @default 64
   */
  readonly queueSize?: number;

  /**
   * The longest time of a request, its wait included.
   *
   * @default Duration.minutes(10)
   */
  readonly requestTimeout?: Duration;

  /**
   * The time that running requests get to end when a pod has to go.
   *
   * @default Duration.minutes(2)
   */
  readonly drainTimeout?: Duration;

  /**
   * Use the network of the node, where the devices' network needs it. Two pods of a node must then have different ports.
   *
   * @default false
   */
  readonly hostNetwork?: boolean;
}
