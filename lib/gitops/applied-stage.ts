import type { KubernetesObject } from '../workloads/kubernetes-object';
import { stateOf } from './workload-state';

/** Manifests that are applied together, from one folder. */
export interface AppliedStage {
  /** The folder of its chart. */
  readonly chart: string;
  /** The folder in it: `base`, `jobs-0`, `serving-2`. */
  readonly name: string;
  /** The namespace of its chart. */
  readonly namespace: string | undefined;
  readonly manifests: readonly KubernetesObject[];
  /** The full names of stages that must be done before. */
  readonly after: readonly string[];
}

/** A stage's name among all charts. */
export function fullName({ chart, name }: Pick<AppliedStage, 'chart' | 'name'>): string {
  return `${chart}-${name}`;
}

/** Applying, and what the deadlines of Jobs leave for starting their last pod. In seconds. */
const MARGIN = 600;

/** The seconds after which a stage is done or never will be: the longest deadline in it, or `unlimited` where a workload has none. */
export function stageSeconds({ manifests }: AppliedStage, unlimited: number): number {
  const workloads = manifests.filter((manifest) => stateOf(manifest) !== undefined);
  return MARGIN + workloads.reduce((most, workload) => Math.max(most, deadlineOf(workload) ?? unlimited), 0);
}

interface Deadlines {
  readonly activeDeadlineSeconds?: number;
  readonly progressDeadlineSeconds?: number;
  readonly template?: { readonly spec: { readonly containers: readonly { readonly command?: readonly string[] }[] } };
}

/** The workload's own deadline, or the one that a download's script was given. */
function deadlineOf({ spec }: KubernetesObject): number | undefined {
  const { activeDeadlineSeconds, progressDeadlineSeconds, template } = spec as Deadlines;
  const command = template?.spec.containers[0]?.command ?? [];
  const given = command.includes('--deadline') ? Number(command[command.indexOf('--deadline') + 1]) : undefined;
  return activeDeadlineSeconds ?? progressDeadlineSeconds ?? given;
}
