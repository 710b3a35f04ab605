import type { ComposedPod } from '../pods/composed-pod';
import { objectMetadata, templateMetadata } from './batch-request';
import type { KubernetesObject } from './kubernetes-object';

/** What a Deployment of a server is made of. */
export interface DeploymentRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels that select the pods; they can never change. */
  readonly selector: Readonly<Record<string, string>>;
  readonly pod: ComposedPod;
  readonly replicas: number;
  readonly progressDeadlineSeconds: number;
}

/** A Deployment. It is recreated on change, since the pods of a rolling update would need devices that do not exist. */
export function deployment(request: DeploymentRequest): KubernetesObject {
  const { name, selector, replicas, progressDeadlineSeconds, pod } = request;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: objectMetadata(name, request),
    spec: {
      replicas,
      progressDeadlineSeconds,
      revisionHistoryLimit: 3,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: selector },
      template: { metadata: templateMetadata(request), spec: pod.spec },
    },
  };
}
