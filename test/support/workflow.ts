import type { V1PodSpec } from '@kubernetes/client-node';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

interface Templated { readonly template: { readonly spec: V1PodSpec } }
type Spec = Partial<Templated> & { readonly tasks?: readonly Templated[]; readonly replicaSpecs?: Readonly<Record<string, Templated>> };

/** A workload of a chart, and what its main container runs. */
export interface Workload {
  /** The construct's id below the chart. */
  readonly id: string;
  readonly object: KubernetesObject;
  readonly pod: V1PodSpec;
  readonly command: readonly string[];
}

/** Every Job, Volcano Job, AscendJob and Deployment of a chart, in its order. */
export function workloads(objects: readonly KubernetesObject[], chart: string): Workload[] {
  return objects.flatMap((object) => {
    const { template, tasks, replicaSpecs } = (object.spec ?? {}) as Spec;
    const pod = (template ?? tasks?.[0]?.template ?? replicaSpecs?.Worker?.template)?.spec;
    const id = object.metadata.name.replace(new RegExp(`^${chart}-`), '').replace(/-[0-9a-f]{8}$/, '');
    return pod === undefined ? [] : [{ id, object, pod, command: pod.containers[0]!.command! }];
  });
}

/** Directories of artifacts in a command: `<name>-<lineage>` on the store `store`. */
export function artifactsIn(words: readonly string[]): string[] {
  return [...new Set(words.flatMap((word) => [...word.matchAll(/\/artifacts\/store\/([a-z0-9-]+-[0-9a-f]{10})(?=[/.]|$)/g)].map((match) => match[1]!)))];
}

/** The directory that a workload makes; undefined for a server. */
export function madeBy({ command }: Workload): string | undefined {
  const flag = command[1]?.endsWith('/fetch_weights.py') === true ? '--target' : '--output';
  return command[1]?.match(/\/(fetch_weights|run_task)\.py$/) ? artifactsIn([command[command.indexOf(flag) + 1]!])[0] : undefined;
}

/** Scripts of ours that a command starts, and those that its pod has. */
export function scriptsOf({ command, pod }: Workload): { started: string[]; mounted: string[] } {
  const started = command.flatMap((word) => /^\/opt\/cdk8s-chatglm\/(\w+)\.(?:py|sh)$/.exec(word)?.[1] ?? []);
  const mounted = (pod.volumes ?? []).flatMap(({ name }) => /^scripts-(.+)$/.exec(name)?.[1]?.replace(/-/g, '_') ?? []);
  return { started: [...new Set(started)], mounted };
}
