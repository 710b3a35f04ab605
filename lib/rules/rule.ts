import type { KubernetesObject } from '../workloads/kubernetes-object';

/** A check over one Kubernetes object as plain JSON, whoever wrote it. */
export interface Rule {
  /** Stable kebab-case name. */
  readonly id: string;
  /** Why it matters. */
  readonly explanation: string;
  /** What is wrong with the object, one sentence a fault; empty if nothing is. */
  readonly check: (object: KubernetesObject) => string[];
}

/** A fault that a rule found. */
export interface Finding {
  readonly rule: string;
  readonly object: string;
  readonly message: string;
}
