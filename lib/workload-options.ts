import type { Size } from 'cdk8s';
import type { Cpu, EnvValue } from 'cdk8s-plus-27';

import type { EnvPreset } from './env/env-preset';
import type { PodToleration } from './platform-props';
import { renderToleration } from './pods/platform-fragment';
import type { PodFragment } from './pods/pod-fragment';
import type { SecurityLevel } from './pods/security-level';

/** What every workload lets its user say about the pod. These win over all defaults, over the platform and over presets. */
export interface WorkloadOptions {
  /**
   * Sets of environment variables.
   *
   * @default - none beside what the runtime needs
   */
  readonly presets?: EnvPreset[];

  /**
   * Environment variables of the main container. Plain values are literal: `$(NAME)` in them is not expanded.
   *
   * @default - none
   */
  readonly env?: { [name: string]: EnvValue };

  /**
   * Processor request of the main container; there is no limit.
   *
   * @default - what the task needs
   */
  readonly cpu?: Cpu;

  /**
   * Memory request of the main container; there is no limit. It must not be less than what the task needs.
   *
   * @default - what the task needs
   */
  readonly memory?: Size;

  /**
   * Labels of the nodes that the pods may run on.
   *
   * @default - what the device plugin and the platform ask for
   */
  readonly nodeSelector?: { [key: string]: string };

  /**
   * Further taints that the pods tolerate.
   *
   * @default - the platform's
   */
  readonly tolerations?: PodToleration[];

  /**
   * The PriorityClass of the pods.
   *
   * @default - the platform's
   */
  readonly priorityClassName?: string;

  /**
   * The ServiceAccount of the pods. Its token is not mounted: nothing here calls the Kubernetes API.
   *
   * @default - the namespace's default
   */
  readonly serviceAccountName?: string;

  /**
   * Labels of the pods.
   *
   * @default - those of the library and of the platform
   */
  readonly podLabels?: { [key: string]: string };

  /**
   * Annotations of the pods.
   *
   * @default - those of the library and of the platform
   */
  readonly podAnnotations?: { [key: string]: string };

  /**
   * How much the pods are held back.
   *
   * @default - the platform's, else the runtime's own
   */
  readonly security?: SecurityLevel;
}

/** The caller's wishes as a fragment. */
export function optionsFragment(options: WorkloadOptions): PodFragment {
  checkRequests(options);
  const requests = {
    ...(options.cpu && { cpu: options.cpu.amount }),
    ...(options.memory && { memory: `${String(options.memory.toMebibytes())}Mi` }),
  };
  return {
    source: 'the workload\'s props',
    requests,
    env: Object.entries(options.env ?? {}).map(([name, { value, valueFrom }]) => {
      checkEnvName(name);
      if (value === undefined && valueFrom === undefined) {
        throw new Error(`'env' has no value for '${name}'; EnvValue.fromProcess gives none where the variable is unset`);
      }
      return valueFrom === undefined ? { name, value: String(value) } : { name, valueFrom: plainSource(valueFrom as ValueSource) };
    }),
    ...(options.nodeSelector && { nodeSelector: options.nodeSelector }),
    ...(options.tolerations && { tolerations: options.tolerations.map(renderToleration) }),
    ...(options.priorityClassName !== undefined && { priorityClassName: options.priorityClassName }),
    ...(options.serviceAccountName !== undefined && { serviceAccountName: options.serviceAccountName }),
    ...(options.podLabels && { labels: options.podLabels }),
    ...(options.podAnnotations && { annotations: options.podAnnotations }),
  };
}

function checkRequests({ cpu, memory }: WorkloadOptions): void {
  if (cpu !== undefined && !(parseFloat(cpu.amount) > 0)) {
    throw new Error(`'cpu' must be positive, got ${cpu.amount}`);
  }
  if (memory !== undefined && memory.toMebibytes() < 1) {
    throw new Error(`'memory' must be at least 1 MiB, got ${memory.asString()}`);
  }
}

interface ValueSource {
  readonly resourceFieldRef?: { readonly divisor?: string | { readonly value: string }; readonly resource: string; readonly containerName?: string };
}

/** cdk8s-plus wraps quantities in an object that only its own workloads unwrap. */
function plainSource(source: ValueSource): object {
  const divisor = source.resourceFieldRef?.divisor;
  return typeof divisor === 'object' ? { ...source, resourceFieldRef: { ...source.resourceFieldRef, divisor: divisor.value } } : source;
}

function checkEnvName(name: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
    throw new Error(`'env' has '${name}': a variable's name has letters, digits, '_', '-' and '.' and does not start with a digit`);
  }
}
