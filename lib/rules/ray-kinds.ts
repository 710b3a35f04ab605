import type { V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../workloads/kubernetes-object';
import type { Place } from './fault';
import { TEMPLATE, texts } from './pod-shape';
import { fields, list, number } from './shape';
import { type PodPlace, type Replicas, scheduledBy, type Template, whole, workloadKind } from './workload-kind';

interface Group extends Replicas {
  readonly minReplicas?: unknown;
  readonly maxReplicas?: unknown;
  readonly numOfHosts?: unknown;
  readonly rayStartParams?: Readonly<Record<string, string>>;
}
interface Cluster { readonly headGroupSpec: Group; readonly workerGroupSpecs: readonly Group[] }

const GROUP = fields({ template: TEMPLATE, replicas: number, minReplicas: number, maxReplicas: number, numOfHosts: number, rayStartParams: texts });
const CLUSTER = fields({ headGroupSpec: GROUP, workerGroupSpecs: list(GROUP, {}) });
const SHARED_MEMORY = { name: 'shared-mem', mountPath: '/dev/shm' };
/** Where Ray listens if nothing else is said (controllers/ray/utils/constant.go); only the last one gets a name by which a Service could find it. */
const RAY_PORTS = [...[6379, 8265, 10001, 8000].map((containerPort) => ({ containerPort })), { name: 'metrics', containerPort: 8080 }];

/**
 * The groups of a Ray cluster (ray-project/kuberay@feeaf72f ray-operator/apis/ray/v1/raycluster_types.go). A group has as many pods as it asks for between its least
 * and its most, times the hosts of a replica (controllers/ray/utils/util.go, GetWorkerGroupDesiredReplicas).
 */
function podsOf({ headGroupSpec = {}, workerGroupSpecs = [] }: Partial<Cluster>, place: Place, object: KubernetesObject): PodPlace[] {
  return [
    { place: [...place, 'headGroupSpec', 'template'], template: asStarted(headGroupSpec, object), pods: 1 },
    ...workerGroupSpecs.map((group, index) => ({ place: [...place, 'workerGroupSpecs', index, 'template'], template: asStarted(group, object), pods: podCount(group) })),
  ];
}

function podCount({ replicas, minReplicas, maxReplicas, numOfHosts }: Group): number {
  const least = whole(minReplicas, 0);
  return Math.min(Math.max(whole(replicas, least), least), whole(maxReplicas, Infinity)) * whole(numOfHosts);
}

/** What KubeRay makes of a template: pods of its batch scheduler, of which the first container runs Ray. */
function asStarted(group: Group, { metadata: { labels = {} } }: KubernetesObject): Template | undefined {
  // Up to KubeRay 1.4 the first label chose Volcano; since then the operator's own setting does, and the second one stays (batchscheduler/volcano/volcano_scheduler.go).
  const isVolcano = labels['ray.io/scheduler-name']?.includes('volcano') === true || labels['volcano.sh/queue-name'] !== undefined;
  return scheduledBy(isVolcano ? 'volcano' : undefined, withRay(group));
}

/** The first container with what KubeRay adds to it: a port for metrics, and shared memory unless Ray keeps its objects elsewhere (controllers/ray/common/pod.go, BuildPod). */
function withRay({ template, rayStartParams = {} }: Group): Template | undefined {
  const { spec } = template ?? {};
  const [ray, ...others] = spec?.containers ?? [];
  if (spec === undefined || ray === undefined) {
    return template;
  }
  const started = { ...spec, containers: [{ ...ray, ports: [...ray.ports ?? [], ...RAY_PORTS] }, ...others] };
  return { ...template, spec: rayStartParams['plasma-directory'] === undefined ? withSharedMemory(started) : started };
}

function withSharedMemory(spec: V1PodSpec): V1PodSpec {
  const { containers: [ray, ...others], volumes = [] } = spec;
  const { volumeMounts = [] } = ray!;
  return volumeMounts.some(({ mountPath }) => mountPath === SHARED_MEMORY.mountPath) ? spec : {
    ...spec,
    containers: [{ ...ray!, volumeMounts: [...volumeMounts, SHARED_MEMORY] }, ...others],
    volumes: [...volumes, { name: SHARED_MEMORY.name, emptyDir: { medium: 'Memory' } }],
  };
}

export const RAY_CLUSTER = workloadKind<Cluster>(CLUSTER, (spec, object) => podsOf(spec, ['spec'], object));

/** The cluster of a job, and the pod that submits it (rayjob_types.go). */
export const RAY_JOB = workloadKind<{ rayClusterSpec: Cluster; submitterPodTemplate: Template }>(
  fields({ rayClusterSpec: CLUSTER, submitterPodTemplate: TEMPLATE }),
  ({ rayClusterSpec = {}, submitterPodTemplate }, object) => [
    ...podsOf(rayClusterSpec, ['spec', 'rayClusterSpec'], object),
    { place: ['spec', 'submitterPodTemplate'], template: submitterPodTemplate, pods: 1 },
  ],
);

/** The cluster that serves (rayservice_types.go). */
export const RAY_SERVICE = workloadKind<{ rayClusterConfig: Cluster }>(
  fields({ rayClusterConfig: CLUSTER }), ({ rayClusterConfig = {} }, object) => podsOf(rayClusterConfig, ['spec', 'rayClusterConfig'], object),
);
