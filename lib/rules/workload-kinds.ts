import type { V1ObjectMeta, V1PodSpec } from '@kubernetes/client-node';

import type { Place } from './fault';
import { INFERENCE_SERVICE, SERVING_RUNTIME } from './kserve-kinds';
import { CLAIM_TEMPLATES, METADATA, POD_SPEC, TEMPLATE, texts } from './pod-shape';
import { RAY_CLUSTER, RAY_JOB, RAY_SERVICE } from './ray-kinds';
import { fields, list, map, number, scalar, type Shape, text } from './shape';
import { claimNames, type PodPlace, type Replicas, scheduledBy, type Template, whole, withVolumes, type WorkloadKind, workloadKind } from './workload-kind';

interface WorkloadSpec extends Replicas { readonly parallelism?: unknown }
interface Claim { readonly metadata?: V1ObjectMeta }
interface Group { readonly size?: unknown; readonly leaderTemplate?: Template; readonly workerTemplate?: Template; readonly volumeClaimTemplates?: readonly Claim[] }
interface JobSetSpec {
  readonly replicatedJobs: readonly { readonly replicas?: unknown; readonly template?: { readonly spec?: WorkloadSpec } }[];
  readonly volumeClaimPolicies: readonly { readonly templates?: readonly Claim[] }[];
}

/** The `spec` of Kubernetes' own workloads, and of those that are like them. */
export const WORKLOAD_SPEC = fields({
  template: TEMPLATE, replicas: number, parallelism: number, selector: fields({ matchLabels: texts }), schedulerName: text,
  strategy: fields({ type: text, rollingUpdate: fields({ maxSurge: scalar }) }), progressDeadlineSeconds: number, ttlSecondsAfterFinished: number,
  volumeClaimTemplates: CLAIM_TEMPLATES,
});
const ROLE = fields({ name: text, replicas: number, template: TEMPLATE });
const POLICIES = list(fields({ event: text, events: list(text, ''), exitCode: number, action: text }), {});

/** The pods of `template` in the spec at a place. */
export function ofTemplate({ template, replicas, parallelism }: WorkloadSpec, ...place: Place): PodPlace {
  return { place: [...place, 'template'], template, pods: whole(replicas ?? parallelism) };
}

const WORKLOAD = workloadKind<WorkloadSpec>(WORKLOAD_SPEC, (spec) => [ofTemplate(spec, 'spec')]);
/** A DaemonSet has as many pods as nodes, which nobody here knows. */
const DAEMON_SET = workloadKind<WorkloadSpec>(WORKLOAD_SPEC, ({ template }) => [{ place: ['spec', 'template'], template }]);

/** Jobs that say their pods by roles. */
function jobOfRoles(field: string, others: Readonly<Record<string, Shape>>, schedulerOf: (spec: object) => string | undefined = () => undefined): WorkloadKind {
  return workloadKind<Record<string, Record<string, Replicas>>>(fields({ [field]: map(ROLE), ...others }), (spec) => Object.entries(spec[field] ?? {})
    .map(([role, { template, replicas }]) => ({ place: ['spec', field, role, 'template'], template: scheduledBy(schedulerOf(spec), template), pods: whole(replicas), role })));
}

/**
 * Jobs of Kubeflow's training operator (kubeflow/training-operator@078ec30f pkg/apis/kubeflow.org/v1 common_types.go and one file a kind; kubeflow/mpi-operator@caa3c47b
 * pkg/apis/kubeflow/v2beta1/types.go). A queue is only for Volcano, which the operator then writes into pods that name no scheduler (pkg/controller.v1/control/podgroup_control.go).
 */
function kubeflowJob(field: string): WorkloadKind {
  return jobOfRoles(field, { runPolicy: fields({ ttlSecondsAfterFinished: number, schedulingPolicy: fields({ minAvailable: number, queue: text }) }) }, (spec) => {
    const { runPolicy } = spec as { runPolicy?: { schedulingPolicy?: { queue?: string } } };
    return runPolicy?.schedulingPolicy?.queue === undefined ? undefined : 'volcano';
  });
}

/** Groups of a leader and workers; a leader without a template of its own has that of the workers (kubernetes-sigs/lws@060ab4d5 api/leaderworkerset/v1/leaderworkerset_types.go). */
const LEADER_WORKER_SET = workloadKind<{ replicas: unknown; leaderWorkerTemplate: Group }>(
  fields({ replicas: number, leaderWorkerTemplate: fields({ size: number, leaderTemplate: TEMPLATE, workerTemplate: TEMPLATE, volumeClaimTemplates: CLAIM_TEMPLATES }) }),
  ({ replicas, leaderWorkerTemplate: { size, leaderTemplate, workerTemplate, volumeClaimTemplates } = {} }) => {
    const [groups, claims, ofWorkers] = [whole(replicas), claimNames(volumeClaimTemplates), whole(size) - (leaderTemplate === undefined ? 0 : 1)];
    return [
      { place: ['spec', 'leaderWorkerTemplate', 'leaderTemplate'], template: withVolumes(claims, leaderTemplate), pods: groups },
      { place: ['spec', 'leaderWorkerTemplate', 'workerTemplate'], template: withVolumes(claims, workerTemplate), pods: groups * ofWorkers },
    ];
  },
);

/** Jobs of one kind or several, each so many times, and claims that the controller mounts by name (kubernetes-sigs/jobset@08dfbdfd api/jobset/v1alpha2/jobset_types.go). */
const JOB_SET = workloadKind<JobSetSpec>(
  fields({
    replicatedJobs: list(fields({ name: text, replicas: number, template: fields({ metadata: METADATA, spec: WORKLOAD_SPEC }) }), {}),
    volumeClaimPolicies: list(fields({ templates: CLAIM_TEMPLATES }), {}),
    ttlSecondsAfterFinished: number,
  }),
  ({ replicatedJobs = [], volumeClaimPolicies = [] }) => {
    const claims = volumeClaimPolicies.flatMap(({ templates }) => claimNames(templates));
    return replicatedJobs.map(({ replicas, template: { spec = {} } = {} }, index) => {
      const { place, template, pods } = ofTemplate(spec, 'spec', 'replicatedJobs', index, 'template', 'spec');
      return { place, template: withVolumes(claims, template), pods: whole(replicas) * pods! };
    });
  },
);

/** Every kind that rules know the pods of, by API group and kind. Of other kinds `spec.template` counts if it looks like a pod template. */
export const WORKLOAD_KINDS: ReadonlyMap<string, WorkloadKind> = new Map([
  ['/Pod', workloadKind(POD_SPEC, (_, { metadata, spec }) => [{ place: [], template: { metadata, spec: spec as V1PodSpec | undefined }, pods: 1 }])],
  ['apps/Deployment', WORKLOAD],
  ['apps/StatefulSet', WORKLOAD],
  ['apps/DaemonSet', DAEMON_SET],
  ['apps/ReplicaSet', WORKLOAD],
  ['batch/Job', WORKLOAD],
  ['batch/CronJob', workloadKind<{ jobTemplate: { spec?: WorkloadSpec } }>(
    fields({ jobTemplate: fields({ spec: WORKLOAD_SPEC }) }), ({ jobTemplate }) => [ofTemplate(jobTemplate?.spec ?? {}, 'spec', 'jobTemplate', 'spec')])],
  ['batch.volcano.sh/Job', workloadKind<{ tasks: Replicas[] }>(
    fields({ tasks: list(ROLE, {}), schedulerName: text, minAvailable: number, policies: POLICIES, ttlSecondsAfterFinished: number }),
    ({ tasks = [] }) => tasks.map((task, index) => ofTemplate(task, 'spec', 'tasks', index)))],
  ['mindxdl.gitee.com/AscendJob', jobOfRoles('replicaSpecs', { schedulerName: text, runPolicy: fields({ ttlSecondsAfterFinished: number, schedulingPolicy: fields({ minAvailable: number }) }) })],
  ['kubeflow.org/PyTorchJob', kubeflowJob('pytorchReplicaSpecs')],
  ['kubeflow.org/MPIJob', kubeflowJob('mpiReplicaSpecs')],
  ['kubeflow.org/TFJob', kubeflowJob('tfReplicaSpecs')],
  ['ray.io/RayCluster', RAY_CLUSTER],
  ['ray.io/RayJob', RAY_JOB],
  ['ray.io/RayService', RAY_SERVICE],
  ['leaderworkerset.x-k8s.io/LeaderWorkerSet', LEADER_WORKER_SET],
  ['jobset.x-k8s.io/JobSet', JOB_SET],
  ['serving.kserve.io/InferenceService', INFERENCE_SERVICE],
  ['serving.kserve.io/ServingRuntime', SERVING_RUNTIME],
  ['serving.kserve.io/ClusterServingRuntime', SERVING_RUNTIME],
  // argoproj/argo-rollouts@9f8d111d pkg/apis/rollouts/v1alpha1/types.go; openkruise/kruise@07169cfa apis/apps/v1alpha1
  ['argoproj.io/Rollout', WORKLOAD],
  ['apps.kruise.io/CloneSet', WORKLOAD],
  ['apps.kruise.io/StatefulSet', WORKLOAD],
  ['apps.kruise.io/DaemonSet', DAEMON_SET],
]);
