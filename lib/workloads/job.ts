import { type BatchKind, type BatchRequest, objectMetadata, onePodANode, templateMetadata } from './batch-request';
import { PERMANENT_EXIT_CODES, WAITING_EXIT_CODE } from './exit-classes';
import type { KubernetesObject } from './kubernetes-object';

/** A plain Job of one pod. */
export const JOB: BatchKind = {
  rankTables: ['generated', 'file', 'none'],
  schedulerRole: false,
  fragment: () => ({ source: 'Job', restartPolicy: 'Never' }),
  render: (request) => [job(request, {})],
};

/** A Job whose pods have an index and a stable host name, behind a headless Service of the job's name. */
export const INDEXED_JOB: BatchKind = {
  rankTables: ['generated', 'file', 'none'],
  schedulerRole: false,
  fragment: ({ name, pods }) => ({
    source: 'Indexed Job', restartPolicy: 'Never', subdomain: name, ...(pods > 1 && onePodANode('batch.kubernetes.io/job-name', name)),
  }),
  render: (request) => [
    job(request, { completions: request.pods, parallelism: request.pods, completionMode: 'Indexed' }),
    headlessService(request, { 'batch.kubernetes.io/job-name': request.name }),
  ],
};

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
