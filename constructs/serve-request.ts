import { ServiceType } from 'cdk8s-plus-27';

import { Dtype } from '../lib/accelerators/dtype';
import type { GlmModel } from '../lib/models/glm-model';
import type { SecretKey, ServeRequest } from '../lib/runtimes/runtime-dialect';
import type { InferenceDeploymentProps } from './inference-deployment-props';

/** The port of every server, unless its props say another. */
export const CONTAINER_PORT = 8000;
/** The port of every Service, unless its props say another. */
export const SERVICE_PORT = 80;

/** What a runtime is asked with, from the props of a server. */
export function serveRequest(props: InferenceDeploymentProps): ServeRequest {
  const { model, runtime, weights, accelerator, dtype = Dtype.FLOAT16, backend = runtime._backend, containerPort = CONTAINER_PORT } = props;
  const devices = props.devices ?? (accelerator === undefined ? 0 : 1);
  const contextLength = props.contextLength ?? Math.min(2048, model.maxSequenceLength);
  checkContextLength(model, contextLength);
  checkAccess(props);
  if (accelerator === undefined && devices !== 0) {
    throw new Error(`'devices' is ${String(devices)}, but no 'accelerator' says of what`);
  }
  return {
    model, weights, accelerator, devices, dtype, contextLength, backend, port: containerPort, hostNetwork: props.hostNetwork,
    queueSize: checkQueueSize(props.queueSize), apiKeys: apiKeysOf(props),
    requestTimeoutSeconds: seconds('requestTimeout', props.requestTimeout?.toSeconds()), drainSeconds: seconds('drainTimeout', props.drainTimeout?.toSeconds()),
  };
}

/** Where the keys are that clients must send. */
export function apiKeysOf({ apiKeysSecret, apiKeysSecretKey }: InferenceDeploymentProps): SecretKey | undefined {
  if (apiKeysSecret === undefined && apiKeysSecretKey !== undefined) {
    throw new Error('\'apiKeysSecretKey\' is the key of \'apiKeysSecret\', which is missing');
  }
  return apiKeysSecret && { secretName: apiKeysSecret.name, key: apiKeysSecretKey ?? 'api-keys' };
}

/** Throws unless a server can work with sequences of the length. */
export function checkContextLength(model: GlmModel, contextLength: number): void {
  if (!Number.isInteger(contextLength) || contextLength < 1 || contextLength > model.maxSequenceLength) {
    throw new Error(`'contextLength' must be a whole number from 1 to ${String(model.maxSequenceLength)} for ${model.name}, got ${String(contextLength)}`);
  }
}

function checkAccess({ containerPort = CONTAINER_PORT, servicePort = SERVICE_PORT, serviceType }: InferenceDeploymentProps): void {
  checkPort('containerPort', containerPort, 1024);
  checkPort('servicePort', servicePort, 1);
  if (serviceType === ServiceType.EXTERNAL_NAME) {
    throw new Error('\'serviceType\' must be ClusterIP, NodePort or LoadBalancer, got ExternalName, which has no pods behind it');
  }
}

/** Throws unless the number is a port that a server may open. */
export function checkPort(name: string, port: number, minimum: number): void {
  if (!Number.isInteger(port) || port < minimum || port > 65535) {
    throw new Error(`'${name}' must be a whole number from ${String(minimum)} to 65535, got ${String(port)}`);
  }
}

function checkQueueSize(queueSize?: number): number | undefined {
  if (queueSize !== undefined && !(Number.isInteger(queueSize) && queueSize >= 0)) {
    throw new Error(`'queueSize' must be a whole number from 0, got ${String(queueSize)}`);
  }
  return queueSize;
}

function seconds(name: string, value?: number): number | undefined {
  if (value !== undefined && !(value >= 1 && value <= 86400)) {
    throw new Error(`'${name}' must be from 1 second to 1 day, got ${String(value)} seconds`);
  }
  return value;
}
