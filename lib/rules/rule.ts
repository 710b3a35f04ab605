import type { ExaminedObject } from './examined-object';
import type { Fault } from './fault';
import type { ObjectSet } from './object-set';

/** `error`: it is refused, or cannot work. `warning`: it works until something happens that will. */
export type Severity = 'error' | 'warning';

/** A check over Kubernetes objects as plain JSON, whoever wrote them. */
export interface Rule {
  /** Stable kebab-case name; also the anchor in docs/rules.md. */
  readonly id: string;
  readonly severity: Severity;
  /** Why it matters, with the source of what is not Kubernetes' own. */
  readonly explanation: string;
  /** What to do about it. */
  readonly fix: string;
  /** Whether it compares the object with others, so that it runs when all are known. */
  readonly comparesObjects?: boolean;
  /** What is wrong with the object; empty if nothing is. */
  readonly check: (object: ExaminedObject, others: ObjectSet) => Fault[];
}

/** A fault that a rule found. */
export interface Finding extends Fault {
  readonly rule: string;
  readonly severity: Severity;
  /** Kind and name, `Job/train`. */
  readonly object: string;
  /** Which of the checked objects it is, from 0. */
  readonly index: number;
}

/** The page that explains a rule. */
export function documentationOf(id: string): string {
  return `docs/rules.md#${id}`;
}

/** The errors among findings, without the warnings, each as one line. */
export function errorsOf(findings: readonly Finding[]): string[] {
  return findings.filter(({ severity }) => severity === 'error').map(({ rule, object, message }) => `${object}: ${message} (rule ${rule})`);
}
