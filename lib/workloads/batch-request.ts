import type { PodOwner } from '../accelerators/device-dialect';
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
  /** Whether something admits all pods of a plain Job together or none. */
  readonly admittedTogether?: boolean | undefined;
  /**
   * How often MindCluster makes the pods again after one of them failed; moves away from faulty devices and nodes are not counted, and with 0 there are
   * none. Undefined where MindCluster does not schedule the job.
   */
  readonly faultRetryTimes?: number | undefined;
  /** What an operator needs to find in the ConfigMap of the rank table. */
  readonly rankTableData?: Readonly<Record<string, string>> | undefined;
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
  /** The variable that tells a pod its index, from 0. */
  readonly podIndex: string;
  /** How the first pod is reached, where that can be known before it runs. */
  firstPod?(name: string): string;
  /** Who has the pods that failed beside those that follow them; undefined where failed pods go. */
  ownerOf?(backoffLimit: number): PodOwner;
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

/** The variable that names the first pod of a job of several; the command cannot, because the job's name is a digest of it. */
export const FIRST_POD = 'FIRST_POD';

/** The environment that tells the pods of a job where the first one is. */
export function firstPodEnv(kind: Pick<BatchKind, 'firstPod'>, { name, pods }: BatchFacts): Pick<PodFragment, 'env'> {
  return pods > 1 && kind.firstPod ? { env: [{ name: FIRST_POD, value: kind.firstPod(name) }] } : {};
}

/**
 * What MindCluster's scheduling does about faulty devices and nodes: `force` ends the pods there at once (Ascend/mind-cluster@22bb3d98
 * docs 15_yaml_configuration.md). It counts against `fault-retry-times` only what failed by itself (component/ascend-for-volcano internal/rescheduling/
 * reschedule.go, PodFailed), so who wants no second try gets no moves either.
 */
export function faultLabels({ faultRetryTimes }: BatchFacts): Pick<PodFragment, 'labels' | 'objectLabels'> {
  if (faultRetryTimes === undefined) {
    return {};
  }
  const labels: Record<string, string> = faultRetryTimes === 0 ? { 'fault-scheduling': 'off' } : { 'fault-scheduling': 'force', 'fault-retry-times': String(faultRetryTimes) };
  return { labels, objectLabels: labels };
}

/** One pod a node, by labels that the kind's controller puts on its pods. */
export function onePodANode(labels: Readonly<Record<string, string>>): Pick<PodFragment, 'affinity'> {
  return {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{
          labelSelector: { matchExpressions: Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })) },
          topologyKey: 'kubernetes.io/hostname',
        }],
      },
    },
  };
}
