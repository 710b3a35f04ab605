/**
 * What 5.0 lacks (Ascend/mind-cluster branch_v5.0.0 component/ascend-for-volcano/internal/ascend910/ascend910b/job.go;
 * component/ascend-hccl-controller/pkg/ring-controller/agent/vcjobworker.go wants a table that is there already).
 */
const FIVE = ': its scheduler refuses each job on 910B that selects no host-arch, and its hccl-controller fills no rank table; upgrade MindCluster';

/** A MindCluster release: labels and annotations changed with 7.3 and with 26.1. */
export class MindClusterVersion {
  /**
   * Reads `7.2.RC1`, `26.0`, `v26.1.0` and the like.
   *
   * @throws if the text is no version, or older than 6.0
   */
  public static parse(text: string): MindClusterVersion {
    const match = /^v?(\d{1,2})\.(\d{1,2})(\.[0-9A-Za-z.]+)?$/.exec(text);
    const major = Number(match?.[1]);
    if (match === null || major < 6) {
      throw new Error(`'version' of MindCluster must be a release from 6.0 on, like '7.2.RC1', '26.0' or '26.1.0', got '${text}'${major === 5 ? FIVE : ''}`);
    }
    return new MindClusterVersion(major, Number(match[2]));
  }

  private constructor(private readonly major: number, private readonly minor: number) {}

  /** Whether this is the release `major.minor` or a later one. */
  public atLeast(major: number, minor: number): boolean {
    return this.major > major || (this.major === major && this.minor >= minor);
  }
}
