import type { ComposedPod } from '../pods/composed-pod';
import { type BatchKind, type BatchRequest, faultLabels, objectMetadata, onePodANode, templateMetadata } from './batch-request';
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
  // Workers count from 0 because the Scheduler has no devices (ascend-operator env.go).
  podIndex: '$(MS_NODE_RANK)',
  fragment: (facts) => ({
    source: 'AscendJob',
    containerName: 'ascend',
    schedulerName: 'volcano',
    restartPolicy: 'Never',
    ports: [{ name: 'ascendjob-port', containerPort: 2222 }],
    labels: { ...faultLabels(facts).labels },
    objectLabels: { framework: 'mindspore', ...faultLabels(facts).objectLabels },
    ...(facts.pods > 1 && onePodANode('job-name', facts.name)),
  }),
  render: (request) => [ascendJob(request)],
};

function ascendJob(request: BatchRequest): KubernetesObject {
  const { name, pod, pods, queue, backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished, schedulerPod } = request;
  if (schedulerPod === undefined) {
    throw new Error('an AscendJob needs a pod for its Scheduler, and this task has none');
  }
  const role = (replicas: number, roleOf: ComposedPod): object => ({
    replicas, restartPolicy: 'Never', template: { metadata: templateMetadata({ ...request, pod: roleOf }), spec: roleOf.spec },
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
      replicaSpecs: { Scheduler: role(1, schedulerPod), Worker: role(pods, pod) },
    },
  };
}
