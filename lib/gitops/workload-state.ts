/** How one knows from an object of a kind that its work is done or has failed. */
export interface WorkloadState {
  readonly apiVersion: string;
  readonly kind: string;
  /** CEL for Flux; none for kinds that Flux knows itself (fluxcd/pkg/runtime statusreaders/job.go, and kstatus for Deployments). */
  readonly expressions?: { readonly current: string; readonly failed: string; readonly inProgress: string } | undefined;
  /** What `kubectl get -o jsonpath` is asked for, and extended regular expressions over the answer; none for kinds that `kubectl rollout status` knows. */
  readonly ended?: { readonly jsonPath: string; readonly done: string; readonly failed: string };
}

const conditions = '{range .status.conditions[*]}{.type}={.status}:{.reason} {end}';

const BATCH: readonly WorkloadState[] = [
  { apiVersion: 'batch/v1', kind: 'Job', ended: { jsonPath: conditions, done: 'Complete=True', failed: 'Failed=True' } },
  {
    // Phases: volcano-sh/volcano staging/src/volcano.sh/apis/pkg/apis/batch/v1alpha1/job.go.
    apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job', ended: { jsonPath: '{.status.state.phase}', done: '^Completed', failed: '^(Failed|Aborted|Terminated)' },
    expressions: {
      current: 'has(status.state) && status.state.phase == \'Completed\'',
      failed: 'has(status.state) && status.state.phase in [\'Failed\', \'Aborted\', \'Terminated\']',
      inProgress: '!has(status.state) || !(status.state.phase in [\'Completed\', \'Failed\', \'Aborted\', \'Terminated\'])',
    },
  },
  {
    // Conditions are those of Kubeflow's common API: Ascend/mind-cluster component/ascend-operator/pkg/controllers/v1/job.go.
    apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', ended: { jsonPath: conditions, done: 'Succeeded=True', failed: 'Failed=True' },
    expressions: {
      current: 'has(status.conditions) && status.conditions.exists(c, c.type == \'Succeeded\' && c.status == \'True\')',
      failed: 'has(status.conditions) && status.conditions.exists(c, c.type == \'Failed\' && c.status == \'True\')',
      inProgress: '!has(status.conditions) || !status.conditions.exists(c, c.type in [\'Succeeded\', \'Failed\'] && c.status == \'True\')',
    },
  },
];

const SERVERS: readonly WorkloadState[] = [
  { apiVersion: 'apps/v1', kind: 'Deployment' },
];

/** What is known about the kinds of this library's workloads. */
export const WORKLOAD_STATES: readonly WorkloadState[] = [...BATCH, ...SERVERS];

interface Kinded {
  readonly apiVersion: string;
  readonly kind: string;
}

/** The state of an object's kind; undefined for what is no workload. */
export function stateOf({ apiVersion, kind }: Kinded): WorkloadState | undefined {
  return WORKLOAD_STATES.find((state) => state.apiVersion === apiVersion && state.kind === kind);
}

/** Whether an object works once and ends. */
export function isBatch(object: Kinded): boolean {
  const state = stateOf(object);
  return state !== undefined && BATCH.includes(state);
}
