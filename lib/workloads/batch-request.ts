import type { ComposedPod } from '../pods/composed-pod';
import type { PodFragment } from '../pods/pod-fragment';
import type { KubernetesObject } from './kubernetes-object';

/** What a workload kind has to know about a job before its pod is composed. */
export interface BatchFacts {
  /** The object's final name. */
  readonly name: string;
  /** Pods of the job. */
  readonly pods: number;
  /** The launcher's `--rank-table`, where ranks are started. */
  readonly rankTable?: string | undefined;
  /** The queue of the scheduler, where it has queues. */
  readonly queue?: string | undefined;
}

/** What a workload kind renders. */
export interface BatchRequest extends BatchFacts {
  readonly pod: ComposedPod;
  /** Labels of every object of the job. */
  readonly labels: Readonly<Record<string, string>>;
  /** How often failed pods are tried again. */
  readonly backoffLimit: number;
  readonly activeDeadlineSeconds?: number | undefined;
  readonly ttlSecondsAfterFinished?: number | undefined;
  /** The pod of a role without devices that an operator asks for. */
  readonly schedulerPod?: ComposedPod | undefined;
}

/** One Kubernetes kind that runs batch tasks. Each lives in a file of its own. */
export interface BatchKind {
  /** Legal values of the launcher's `--rank-table`, the default first. */
  readonly rankTables: readonly string[];
  /** Whether a role without devices runs MindSpore's scheduler. */
  readonly schedulerRole: boolean;
  fragment(facts: BatchFacts): PodFragment;
  /** The workload first, then what it needs beside it. */
  render(request: BatchRequest): KubernetesObject[];
}

/** Labels of a pod template: those of the object and those that fragments asked for. */
export function templateMetadata({ labels, pod }: Pick<BatchRequest, 'labels' | 'pod'>): object {
  return {
    labels: { ...labels, ...pod.labels },
    ...(Object.keys(pod.annotations).length > 0 && { annotations: pod.annotations }),
  };
}

/** Metadata of the workload and of what operators match by label. */
export function objectMetadata(name: string, { labels, pod }: Pick<BatchRequest, 'labels' | 'pod'>): KubernetesObject['metadata'] {
  return {
    name,
    labels: { ...labels, ...pod.objectLabels },
    ...(Object.keys(pod.objectAnnotations).length > 0 && { annotations: pod.objectAnnotations }),
  };
}

/** One pod a node, by a label that the kind's controller puts on its pods. */
export function onePodANode(label: string, name: string): Pick<PodFragment, 'affinity'> {
  return {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{
          labelSelector: { matchExpressions: [{ key: label, operator: 'In', values: [name] }] },
          topologyKey: 'kubernetes.io/hostname',
        }],
      },
    },
  };
}
