import type { V1PodSpec } from '@kubernetes/client-node';

import type { PodFile } from './pod-fragment';

/** A pod that `compose` made: the template's parts, and what has to exist beside it. */
export interface ComposedPod {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly objectLabels: Readonly<Record<string, string>>;
  readonly objectAnnotations: Readonly<Record<string, string>>;
  readonly spec: V1PodSpec;
  /** Names of the scripts of `container/` that the pod's containers start. */
  readonly scripts: readonly string[];
  /** Text files that the pod reads at absolute paths. */
  readonly files: readonly PodFile[];
}
