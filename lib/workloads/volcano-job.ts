import { type BatchKind, type BatchRequest, faultLabels, firstPodEnv, objectMetadata, onePodANode, templateMetadata } from './batch-request';
import { PERMANENT_EXIT_CODES } from './exit-classes';
import type { KubernetesObject } from './kubernetes-object';
import { ringsConfig, ringsConfigFragment } from './rings-config';

/**
 * A Volcano Job: all pods are placed together or not at all, and MindCluster's operator fills the rank table
 * (Ascend/mindcluster-deploy@7d97fe34 samples/train/basic-training/ranktable/yaml/910b/a800_mindspore_vcjob.yaml).
 */
export const VOLCANO_JOB: BatchKind = {
  rankTables: ['operator', 'generated', 'file', 'none'],
  schedulerRole: false,
  // The plugins `env` and `svc` give both (volcano pkg/controllers/job/plugins).
  podIndex: '$(VC_TASK_INDEX)',
  firstPod: (name) => `${name}-worker-0.${name}`,
  fragment: (facts) => ({
    source: 'Volcano Job',
    schedulerName: 'volcano',
    restartPolicy: 'Never',
    ...firstPodEnv(VOLCANO_JOB, facts),
    ...faultLabels(facts),
    ...(facts.pods > 1 && onePodANode({ 'volcano.sh/job-name': facts.name })),
    ...(facts.rankTable === 'operator' && ringsConfigFragment(facts.name)),
  }),
  render: (request) => [volcanoJob(request), ...(request.rankTable === 'operator' ? [ringsConfig(request)] : [])],
};

function volcanoJob(request: BatchRequest): KubernetesObject {
  const { name, pod, pods, queue, backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished } = request;
  if (activeDeadlineSeconds !== undefined) {
    throw new Error('\'deadline\' is not possible in a VolcanoJob, which knows none; leave it out, or use another \'workload\'');
  }
  return {
    apiVersion: 'batch.volcano.sh/v1alpha1',
    kind: 'Job',
    metadata: objectMetadata(name, request),
    spec: {
      minAvailable: pods,
      schedulerName: 'volcano',
      queue: queue ?? 'default',
      // Volcano sorts jobs by the priority of the PodGroup, which has the job's and not the pods' (pkg/controllers/job/job_controller_actions.go).
      ...(pod.spec.priorityClassName !== undefined && { priorityClassName: pod.spec.priorityClassName }),
      // Volcano fails a job when its restarts reach this number, so it counts the first start as well; 0 would mean its default of 3.
      maxRetry: backoffLimit + 1,
      plugins: { env: [], svc: [] },
      policies: [
        // Volcano takes the first policy that matches, and a failed pod matches PodFailed whatever its exit code.
        ...PERMANENT_EXIT_CODES.map((exitCode) => ({ exitCode, action: 'AbortJob' })),
        { event: 'PodEvicted', action: 'RestartJob' },
        { event: 'PodFailed', action: 'RestartJob' },
      ],
      ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }),
      tasks: [{ name: 'worker', replicas: pods, template: { metadata: templateMetadata(request), spec: pod.spec } }],
    },
  };
}
