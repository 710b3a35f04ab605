import type { V1Container, V1PodSpec } from '@kubernetes/client-node';

import { renderCommand } from '../pods/env';
import type { CommandPart } from '../pods/pod-fragment';
import { type BatchKind, type BatchRequest, objectMetadata, onePodANode, templateMetadata } from './batch-request';
import type { KubernetesObject } from './kubernetes-object';

/**
 * An AscendJob of MindCluster's operator, for MindSpore: a device-less Scheduler and the Workers, which meet through the operator's `MS_*`
 * variables (Ascend/mind-cluster@22bb3d98 component/ascend-operator ascendjob_validate.go, env.go). The operator insists on the
 * container name `ascend`, the port name `ascendjob-port` and the label `framework`. It knows no exit codes: every failure
 * counts, up to `backoffLimit`.
 */
export const ASCEND_JOB: BatchKind = {
  rankTables: ['none'],
  schedulerRole: true,
  fragment: ({ name, pods }) => ({
    source: 'AscendJob',
    containerName: 'ascend',
    schedulerName: 'volcano',
    restartPolicy: 'Never',
    ports: [{ name: 'ascendjob-port', containerPort: 2222 }],
    objectLabels: { framework: 'mindspore' },
    ...(pods > 1 && onePodANode('job-name', name)),
  }),
  render: (request) => [ascendJob(request)],
};

function ascendJob(request: BatchRequest): KubernetesObject {
  const { name, pod, pods, queue, backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished, schedulerCommand } = request;
  if (schedulerCommand === undefined) {
    throw new Error('an AscendJob needs the command of its Scheduler, and this task has none');
  }
  const role = (replicas: number, spec: V1PodSpec): object => ({
    replicas, restartPolicy: 'Never', template: { metadata: templateMetadata(request), spec },
  });
  return {
    apiVersion: 'mindxdl.gitee.com/v1',
    kind: 'AscendJob',
    metadata: objectMetadata(name, request),
    spec: {
      schedulerName: 'volcano',
      successPolicy: 'AllWorkers',
      runPolicy: {
        backoffLimit,
        ...(activeDeadlineSeconds !== undefined && { activeDeadlineSeconds }),
        ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }),
        schedulingPolicy: { minAvailable: pods + 1, queue: queue ?? 'default' },
      },
      replicaSpecs: { Scheduler: role(1, schedulerSpec(pod.spec, schedulerCommand)), Worker: role(pods, pod.spec) },
    },
  };
}

/** The Scheduler runs the same image without devices; it needs neither the node's accelerator nor a place of its own, only the image's architecture. */
function schedulerSpec(spec: V1PodSpec, command: readonly CommandPart[]): V1PodSpec {
  const { affinity: _affinity, nodeSelector, ...rest } = spec;
  const architecture = nodeSelector?.['kubernetes.io/arch'];
  const [main] = spec.containers as [V1Container];
  const container: V1Container = {
    ...main,
    command: renderCommand(command),
    env: (main.env ?? []).filter(({ name }) => name !== 'ASCEND_VISIBLE_DEVICES'),
    resources: { requests: { cpu: '1', memory: '2Gi' } },
  };
  return { ...rest, ...(architecture !== undefined && { nodeSelector: { 'kubernetes.io/arch': architecture } }), containers: [container] };
}
