import type { ComposedPod } from '../pods/composed-pod';
import { type BatchKind, type BatchRequest, faultLabels, objectMetadata, onePodANode, templateMetadata } from './batch-request';
import type { KubernetesObject } from './kubernetes-object';

/**
 * An AscendJob of MindCluster's operator, for MindSpore: a device-less Scheduler and the Workers, which meet through the operator's `MS_*`
 * variables (Ascend/mind-cluster@22bb3d98 component/ascend-operator ascendjob_validate.go, env.go). The operator insists on the
 * container name `ascend`, the port name `ascendjob-port` and the label `framework`. It knows no exit codes: every failure
 * counts, up to `backoffLimit`. It keeps neither `activeDeadlineSeconds` nor `ttlSecondsAfterFinished` (pkg/controllers/v1/job.go).
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
    // The Scheduler has the job's name, too, and needs no node of its own (Ascend/mindcluster-deploy@7d97fe34 mindspore_multinodes_acjob_910b.yaml).
    ...(facts.pods > 1 && onePodANode({ 'job-name': facts.name, 'replica-type': 'worker' })),
  }),
  render: (request) => [ascendJob(request)],
};

function ascendJob(request: BatchRequest): KubernetesObject {
  const { name, pod, pods, queue, backoffLimit, schedulerPod } = request;
  checkTimes(request);
  if (schedulerPod === undefined) {
    throw new Error('an AscendJob needs a pod for its Scheduler, and this task has none');
  }
  const priorityClass = pod.spec.priorityClassName;
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
        schedulingPolicy: { minAvailable: pods + 1, queue: queue ?? 'default', ...(priorityClass !== undefined && { priorityClass }) },
      },
      replicaSpecs: { Scheduler: role(1, schedulerPod), Worker: role(pods, pod) },
    },
  };
}

function checkTimes({ activeDeadlineSeconds, ttlSecondsAfterFinished }: BatchRequest): void {
  const prop = activeDeadlineSeconds !== undefined ? 'deadline' : ttlSecondsAfterFinished !== undefined ? 'ttlAfterFinished' : undefined;
  if (prop !== undefined) {
    throw new Error(`'${prop}' is not possible in an AscendJob, whose operator does not act on it; leave it out, or use another 'workload'`);
  }
}
