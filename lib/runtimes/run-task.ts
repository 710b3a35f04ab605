import type { Artifact } from '../artifacts/artifact';
import type { CommandPart } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';

/** The script that wraps a task's command. */
export const RUN_TASK = 'run_task';

/** The pods of a task that has several: how many, and how each is told its index. */
export interface TaskPods {
  readonly pods: number;
  /** A `$(VARIABLE)`. */
  readonly podIndex: string;
}

/**
 * The words before a command that makes an artifact: one pod does it, whole or not at all, and not again when it is there
 * (`container/run_task.py`).
 *
 * @param require glob patterns, relative to the output, that must match a file when the command has ended
 */
export function runTask(output: Artifact, require: readonly string[], members?: TaskPods): CommandPart[] {
  const many = members === undefined || members.pods === 1 ? [] : ['--pods', String(members.pods), '--pod-index', { template: members.podIndex }];
  return [
    'python3', scriptPath(RUN_TASK), '--output', output.path, '--name', output.name, '--lineage', output.lineage, '--format', output.format.name,
    ...require.flatMap((pattern) => ['--require', pattern]), ...many, '--',
  ];
}
