import { ASCEND_JOB } from './ascend-job';
import type { BatchKind } from './batch-request';
import { INDEXED_JOB, JOB } from './job';
import { VOLCANO_JOB } from './volcano-job';

/** The Kubernetes kind that a batch task runs in. */
export class WorkloadKind {
  /** A plain Job of one pod. */
  public static readonly JOB = new WorkloadKind('Job', JOB);
  /** A Job with an index a pod and a headless Service. */
  public static readonly INDEXED_JOB = new WorkloadKind('IndexedJob', INDEXED_JOB);
  /** A Volcano Job. */
  public static readonly VOLCANO_JOB = new WorkloadKind('VolcanoJob', VOLCANO_JOB);
  /** MindCluster's AscendJob. */
  public static readonly ASCEND_JOB = new WorkloadKind('AscendJob', ASCEND_JOB);

  private constructor(
    /** The kind's name. */
    public readonly name: string,
    /** @internal */
    public readonly _kind: BatchKind,
  ) {}
}
