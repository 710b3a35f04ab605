/**
 * Where the HCCL rank table of a training job comes from: the file that tells every rank the addresses of all devices.
 */
export class RankTable {
  /** Each pod describes its devices with `hccn_tool` or `/etc/hccn.conf` of the node, which are mounted. */
  public static readonly GENERATED = new RankTable('generated');
  /** MindCluster's operator fills the ConfigMap `rings-config-<job>`; the pod waits until it is complete. Volcano Job only. */
  public static readonly OPERATOR = new RankTable('operator');
  /** None: the ranks meet through a scheduler process (MindSpore's dynamic cluster). */
  public static readonly NONE = new RankTable('none');

  /**
   * A file that exists in the pod, such as ModelArts' `/user/config/jobstart_hccl.json`.
   *
   * @throws if the path is not absolute
   */
  public static fromFile(path: string): RankTable {
    if (!path.startsWith('/')) {
      throw new Error(`a rank table's path must be absolute, got '${path}'`);
    }
    return new RankTable('file', path);
  }

  private constructor(
    /** The launcher's `--rank-table`. */
    public readonly source: string,
    /** The file, for `fromFile`. */
    public readonly path?: string,
  ) {}
}
