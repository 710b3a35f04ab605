import type { PodFragment } from './pods/pod-fragment';

/** Options of `Scheduler.volcano`. */
export interface VolcanoOptions {
  /**
   * The Volcano queue that pods and jobs go into.
   *
   * @default 'default'
   */
  readonly queue?: string;
}

/** Options of `Scheduler.kueue`. */
export interface KueueOptions {
  /** The LocalQueue of the workload's namespace. */
  readonly queue: string;
}

/**
 * Volcano makes a PodGroup of its own for a pod that no Volcano Job owns, and reads its queue from this annotation
 * (volcano-sh/apis pkg/apis/scheduling/v1beta1/labels.go).
 */
const QUEUE_ANNOTATION = 'scheduling.volcano.sh/queue-name';

/** Kueue's documentation, `Run A Kubernetes Job` and `Run A Plain Pod`. */
const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

const FRAGMENTS: Readonly<Record<string, (queue: string) => Omit<PodFragment, 'source'>>> = {
  volcano: (queue) => ({ schedulerName: 'volcano', annotations: { [QUEUE_ANNOTATION]: queue } }),
  kueue: (queue) => ({ objectLabels: { [QUEUE_LABEL]: queue } }),
};

/**
 * Which scheduler places the pods. It is said once, on the platform; workload kinds, device plugins and labels follow from it.
 */
export class Scheduler {
  /**
   * The scheduler of plain Kubernetes. Not for nodes whose Ascend device plugin runs with `-volcanoType=true`: there the kubelet ends a pod with
   * UnexpectedAdmissionError, because the plugin looks for the devices that Volcano chose and finds none
   * (Ascend/mind-cluster@22bb3d98 component/ascend-device-plugin/pkg/server/plugin.go).
   */
  public static readonly DEFAULT = new Scheduler('default', 'default scheduler');

  /**
   * Volcano, which MindCluster's device scheduling is built on: pods get `schedulerName: volcano`, batch jobs of several
   * nodes become Volcano Jobs, and MindCluster's device ids arrive through an annotation.
   */
  public static volcano(options: VolcanoOptions = {}): Scheduler {
    return new Scheduler('volcano', 'scheduler volcano', requireName('queue', options.queue ?? 'default'));
  }

  /** Kueue: objects carry `kueue.x-k8s.io/queue-name`; Kueue itself suspends and admits them. */
  public static kueue(options: KueueOptions): Scheduler {
    return new Scheduler('kueue', 'scheduler kueue', requireName('queue', options.queue));
  }

  /** @internal */
  public readonly _fragment: PodFragment;

  private constructor(
    /** `default`, `volcano` or `kueue`. */
    public readonly name: string,
    source: string,
    /** The queue, where the scheduler has queues. */
    public readonly queue?: string,
  ) {
    this._fragment = Object.freeze({ source, ...FRAGMENTS[name]?.(queue ?? '') });
  }

  /** Whether pods are placed by Volcano. */
  public get isVolcano(): boolean {
    return this.name === 'volcano';
  }
}

function requireName(what: string, name: string): string {
  if (!/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/.test(name)) {
    throw new Error(`'${what}' of a scheduler must be a Kubernetes name (lower case letters, digits, '-' and '.', at most 63), got '${name}'`);
  }
  return name;
}
