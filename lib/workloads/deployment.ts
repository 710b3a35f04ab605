import type { ComposedPod } from '../pods/composed-pod';
import { objectMetadata, templateMetadata } from './batch-request';
import type { KubernetesObject } from './kubernetes-object';
import { UpdateStrategy } from './update-strategy';

/** What a Deployment of a server is made of. */
export interface DeploymentRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Labels that select the pods; they can never change. */
  readonly selector: Readonly<Record<string, string>>;
  readonly pod: ComposedPod;
  /** Undefined where an autoscaler decides. */
  readonly replicas?: number | undefined;
  readonly progressDeadlineSeconds: number;
  /** By default it is recreated, since the pods of a rolling update would need devices that do not exist. */
  readonly updateStrategy?: UpdateStrategy | undefined;
}

/** A Deployment. */
export function deployment(request: DeploymentRequest): KubernetesObject {
  const { name, selector, replicas, progressDeadlineSeconds, pod, updateStrategy = UpdateStrategy.RECREATE } = request;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: objectMetadata(name, request),
    spec: {
      ...(replicas !== undefined && { replicas }),
      progressDeadlineSeconds,
      revisionHistoryLimit: 3,
      strategy: updateStrategy._strategy,
      selector: { matchLabels: selector },
      template: { metadata: templateMetadata(request), spec: pod.spec },
    },
  };
}
