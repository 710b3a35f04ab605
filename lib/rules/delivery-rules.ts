import { type ExaminedObject, type ExaminedPod, groupOf, inPods, nameOf } from './examined-object';
import { fault, type Fault } from './fault';
import type { Rule } from './rule';
import { groupKind } from './workload-kind';

/**
 * Jobs that are deleted some time after their end (kubernetes-sigs/jobset@08dfbdfd pkg/controllers/ttl_after_finished.go; kubeflow/training-operator@078ec30f pkg/controller.v1/common/job.go).
 * KubeRay deletes the cluster of a RayJob and keeps the RayJob.
 */
const DELETED_AFTER_END = new Set([
  'batch/Job', 'batch.volcano.sh/Job', 'mindxdl.gitee.com/AscendJob', 'jobset.x-k8s.io/JobSet', 'kubeflow.org/PyTorchJob', 'kubeflow.org/TFJob', 'kubeflow.org/MPIJob',
]);
/** Kinds whose pods are those of Jobs; of other jobs the roles say when they restart. */
const OF_JOBS = new Set(['batch/Job', 'batch/CronJob', 'jobset.x-k8s.io/JobSet']);
const KEPT_RUNNING = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'];
/** Annotations by which Argo CD and Flux replace an object that they cannot change. */
const FORCED = /(Replace|Force)=true/;

function timeToLive({ object }: ExaminedObject): number | undefined {
  const spec = (object.spec ?? {}) as { ttlSecondsAfterFinished?: number; runPolicy?: { ttlSecondsAfterFinished?: number } };
  // Of version v2beta1, which is the MPI operator's own, only the launcher is deleted (kubeflow/mpi-operator@caa3c47b pkg/controller/mpi_job_controller.go).
  return DELETED_AFTER_END.has(groupKind(object)) && object.apiVersion !== 'kubeflow.org/v2beta1' ? spec.ttlSecondsAfterFinished ?? spec.runPolicy?.ttlSecondsAfterFinished : undefined;
}

/** Whether pods run under a Job, so also those that submit the job of a RayJob. */
function isOfJob({ object, place }: ExaminedPod): boolean {
  return OF_JOBS.has(groupKind(object)) || (groupKind(object) === 'ray.io/RayJob' && place[1] === 'submitterPodTemplate');
}

/** The `spec` around a pod template. */
function specAround({ object, place }: ExaminedPod): { readonly podFailurePolicy?: object } {
  return place.slice(0, -1).reduce<unknown>((inside, key) => (inside as Record<string, unknown>)[key], object) as object;
}

/** Without a policy the API server puts Always, and JobSet OnFailure (kubernetes-sigs/jobset@08dfbdfd pkg/webhooks/jobset_webhook.go). */
function restartPolicyOf({ object, spec }: ExaminedPod): string {
  return spec.restartPolicy ?? (groupKind(object) === 'jobset.x-k8s.io/JobSet' ? 'OnFailure' : 'Always');
}

function restartFaults(pod: ExaminedPod): Fault[] {
  const { object: { kind }, spec } = pod;
  const isJob = isOfJob(pod);
  const hasFailurePolicy = isJob && specAround(pod).podFailurePolicy !== undefined;
  const legal = !isJob ? ['Always'] : hasFailurePolicy ? ['Never'] : ['Never', 'OnFailure'];
  const policy = restartPolicyOf(pod);
  return (!isJob && !KEPT_RUNNING.includes(kind)) || legal.includes(policy) ? []
    : [fault(`the pods of a ${kind}${hasFailurePolicy ? ' with a podFailurePolicy' : ''} have restartPolicy ${policy}; it must be ${legal.join(' or ')}`, 'spec', ...spec.restartPolicy === undefined ? [] : ['restartPolicy'])];
}

function forcedBy(annotations: Readonly<Record<string, string>> = {}): string | undefined {
  if (FORCED.test(annotations['argocd.argoproj.io/sync-options'] ?? '')) {
    return 'argocd.argoproj.io/sync-options';
  }
  return annotations['kustomize.toolkit.fluxcd.io/force']?.toLowerCase() === 'enabled' ? 'kustomize.toolkit.fluxcd.io/force' : undefined;
}

/** Rules about how objects are applied and applied again. */
export const DELIVERY_RULES: readonly Rule[] = [
  {
    id: 'ttl-under-gitops',
    severity: 'error',
    explanation: 'Kubernetes, or the operator of the job, deletes what is finished; Argo CD or Flux finds it missing and runs it again, for ever',
    fix: 'leave ttlSecondsAfterFinished out; finished jobs go when they are removed from git',
    comparesObjects: true,
    check: (job, others) => {
      const seconds = timeToLive(job);
      const isHook = job.object.metadata.annotations?.['argocd.argoproj.io/hook'] !== undefined;
      return seconds === undefined || isHook || !others.isGitOps ? []
        : [fault(`the job is deleted ${String(seconds)} seconds after its end and would be run again by the GitOps tool that applies these objects`, 'spec')];
    },
  },
  {
    id: 'force-on-claim',
    severity: 'error',
    explanation: 'a claim that cannot be changed is deleted and made anew, and its data goes with it',
    fix: 'set this on Jobs only',
    check: ({ object: { kind, metadata } }) => {
      const annotation = forcedBy(metadata.annotations);
      return !['PersistentVolumeClaim', 'PersistentVolume', 'Namespace'].includes(kind) || annotation === undefined ? []
        : [fault(`the annotation ${annotation} allows to delete the ${kind} and its data when it changes`, 'metadata', 'annotations', annotation)];
    },
  },
  {
    id: 'duplicate-object',
    severity: 'error',
    explanation: 'the object that is applied last takes the place of the others',
    fix: 'give each object a name of its own',
    comparesObjects: true,
    check: (examined, others) => {
      const { object: { kind, metadata }, namespace } = examined;
      const same = others.named(kind, namespace, metadata.name).filter(({ object }) => groupOf(object) === groupOf(examined.object));
      return metadata.name === '' || same[0] === examined || same.length < 2 ? []
        : [fault(`there is another ${nameOf(examined.object)} ${namespace === '' ? 'without a namespace' : `in the namespace '${namespace}'`}`, 'metadata', 'name')];
    },
  },
  {
    id: 'restart-policy',
    severity: 'error',
    explanation: 'the API server takes Never or OnFailure for the pods of a Job, also of one that a CronJob, JobSet or RayJob makes, Never alone beside a podFailurePolicy, and Always for pods that are kept running',
    fix: 'set restartPolicy: Never in a Job, and leave it out elsewhere',
    check: inPods(restartFaults),
  },
  {
    id: 'claim-shared',
    severity: 'warning',
    explanation: 'a ReadWriteOnce claim is attached to one node: pods on other nodes wait for it for ever',
    fix: 'use ReadWriteMany and a storage class that has it, such as NFS',
    comparesObjects: true,
    check: ({ object, namespace }, others) => {
      const { accessModes = [] } = (object.spec ?? {}) as { accessModes?: string[] };
      if (object.kind !== 'PersistentVolumeClaim' || accessModes.length === 0 || !accessModes.every((mode) => mode.startsWith('ReadWriteOnce'))) {
        return [];
      }
      return others.usersOfClaim(namespace, object.metadata.name).filter(({ pods = 2 }) => pods > 1).slice(0, 1)
        .map((pod) => fault(`the claim is ${accessModes.join(', ')}, but ${nameOf(pod.object)} mounts it in ${pod.pods === undefined ? 'a pod a node' : `${String(pod.pods)} pods`}`, 'spec', 'accessModes'));
    },
  },
];
