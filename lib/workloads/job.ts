import type { PodOwner } from '../accelerators/device-dialect';
import { type BatchKind, type BatchRequest, firstPodEnv, objectMetadata, onePodANode, templateMetadata } from './batch-request';
import { PERMANENT_EXIT_CODES, WAITING_EXIT_CODE } from './exit-classes';
import type { KubernetesObject } from './kubernetes-object';

/** A note for whoever reads the manifest. */
const WARNING = 'cdk8s-chatglm/warning';
const NO_GANG = 'nothing places all pods of this Job together: some may hold devices while others find none; Scheduler.volcano or Scheduler.kueue on the platform does';

/** A plain Job of one pod. */
export const JOB: BatchKind = {
  rankTables: ['generated', 'file', 'none'],
  schedulerRole: false,
  podIndex: '0',
  ownerOf,
  fragment: () => ({ source: 'Job', restartPolicy: 'Never' }),
  render: (request) => [job(request, {})],
};

/** A Job whose pods have an index and a stable host name, behind a headless Service of the job's name. */
export const INDEXED_JOB: BatchKind = {
  rankTables: ['generated', 'file', 'none'],
  schedulerRole: false,
  podIndex: '$(JOB_COMPLETION_INDEX)',
  firstPod: (name) => `${name}-0.${name}`,
  ownerOf,
  fragment: (facts) => ({
    source: 'Indexed Job', restartPolicy: 'Never', subdomain: facts.name, ...firstPodEnv(INDEXED_JOB, facts),
    ...(facts.pods > 1 && onePodANode({ 'batch.kubernetes.io/job-name': facts.name })),
    ...(facts.pods > 1 && facts.admittedTogether !== true && { objectAnnotations: { [WARNING]: NO_GANG } }),
  }),
  render: (request) => [
    job(request, { completions: request.pods, parallelism: request.pods, completionMode: 'Indexed' }),
    headlessService(request, { 'batch.kubernetes.io/job-name': request.name }),
  ],
};

/** The pods that failed stay, so that their logs can be read. */
function ownerOf(backoffLimit: number): PodOwner {
  return { kind: 'Job', prop: 'backoffLimit', count: backoffLimit };
}

function job(request: BatchRequest, spec: object): KubernetesObject {
  const { name, pod, backoffLimit, activeDeadlineSeconds, ttlSecondsAfterFinished } = request;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: objectMetadata(name, request),
    spec: {
      ...spec,
      backoffLimit,
      ...(activeDeadlineSeconds !== undefined && { activeDeadlineSeconds }),
      ...(ttlSecondsAfterFinished !== undefined && { ttlSecondsAfterFinished }),
      podFailurePolicy: {
        rules: [
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [...PERMANENT_EXIT_CODES] } },
          { action: 'Ignore', onExitCodes: { operator: 'In', values: [WAITING_EXIT_CODE] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      template: { metadata: templateMetadata(request), spec: pod.spec },
    },
  };
}

function headlessService({ name, labels }: BatchRequest, selector: Readonly<Record<string, string>>): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels },
    // Pods meet before they are ready, so their names must resolve before that.
    spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector },
  };
}
