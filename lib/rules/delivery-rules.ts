import { type ExaminedObject, groupOf, inPods, nameOf } from './examined-object';
import { fault } from './fault';
import type { Rule } from './rule';

const RUN_ONCE = ['Job', 'CronJob', 'AscendJob'];
const KEPT_RUNNING = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'];
/** Annotations by which Argo CD and Flux replace an object that they cannot change. */
const FORCED = /(Replace|Force)=true/;

function timeToLive({ object }: ExaminedObject): number | undefined {
  const spec = (object.spec ?? {}) as { ttlSecondsAfterFinished?: number; runPolicy?: { ttlSecondsAfterFinished?: number } };
  return RUN_ONCE.includes(object.kind) ? spec.ttlSecondsAfterFinished ?? spec.runPolicy?.ttlSecondsAfterFinished : undefined;
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
    explanation: 'Kubernetes deletes the finished Job, Argo CD or Flux finds it missing and runs it again, for ever',
    fix: 'leave ttlSecondsAfterFinished out; finished Jobs go when they are removed from git',
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
    explanation: 'the API server takes Never or OnFailure for the pods of a Job, Never alone beside a podFailurePolicy, and Always for pods that are kept running',
    fix: 'set restartPolicy: Never in a Job, and leave it out elsewhere',
    check: inPods(({ object, spec }) => {
      const { podFailurePolicy } = (object.spec ?? {}) as { podFailurePolicy?: object };
      const isJob = object.apiVersion.startsWith('batch/') && RUN_ONCE.includes(object.kind);
      const policy = spec.restartPolicy ?? 'Always';
      const legal = !isJob ? ['Always'] : podFailurePolicy === undefined ? ['Never', 'OnFailure'] : ['Never'];
      return (!isJob && !KEPT_RUNNING.includes(object.kind)) || legal.includes(policy) ? []
        : [fault(`the pods of a ${object.kind}${podFailurePolicy === undefined ? '' : ' with a podFailurePolicy'} have restartPolicy ${policy}; it must be ${legal.join(' or ')}`, 'spec', ...spec.restartPolicy === undefined ? [] : ['restartPolicy'])];
    }),
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
