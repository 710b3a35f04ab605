import type { Architecture } from '../accelerators/node-type';
import type { Artifact } from '../artifacts/artifact';
import type { CommandPart, PodFragment } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import type { SecurityLevel } from '../pods/security-level';
import { RUN_TASK, runTask } from './run-task';
import type { StepTask } from './task';

/** A step that one script of ours does. */
export interface ScriptStep {
  /** The step's name, e.g. `convert`. */
  readonly name: string;
  /** The runtime's name. */
  readonly runtime: string;
  readonly image: string;
  readonly architecture?: Architecture | undefined;
  readonly output: Artifact;
  readonly inputs: readonly Artifact[];
  /** Glob patterns of files that the output must have. */
  readonly require: readonly string[];
  /** The script's name in `container/`. */
  readonly script: string;
  /** What follows the script's name. */
  readonly words: readonly CommandPart[];
  /** Words before the script, that set its surroundings up: sourcing a vendor's environment, checking devices. */
  readonly before?: readonly CommandPart[];
  /** Scripts that the words run beside. */
  readonly scripts?: readonly string[];
  readonly cpus: number;
  readonly gibibytes: number;
  readonly security: SecurityLevel;
  readonly devices?: number | undefined;
  /** What the pod needs beside. */
  readonly fragment?: Omit<PodFragment, 'source'>;
}

/** Seconds after SIGTERM: a step that is stopped keeps nothing but what it has finished. */
const GRACE_SECONDS = 30;

/** A step as a task: the script under `run_task`, with its requests. */
export function scriptStep(step: ScriptStep): StepTask {
  const { name, runtime, image, architecture, output, inputs, script, before = [], words, security, devices, fragment = {} } = step;
  return {
    name, runtime, image, architecture, output, inputs, security, devices,
    command: [...runTask(output, step.require), ...before, 'python3', scriptPath(script), ...words],
    fragment: {
      terminationGracePeriodSeconds: GRACE_SECONDS,
      ...fragment,
      requests: { cpu: String(step.cpus), memory: `${String(step.gibibytes)}Gi` },
      scripts: [RUN_TASK, script, ...(step.scripts ?? []), ...(fragment.scripts ?? [])],
    },
  };
}
