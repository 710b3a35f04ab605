/** Who starts the ranks of a fine-tune. */
export class MindFormersLauncher {
  /** This library's launcher: one process a device, all versions, rank tables or MindSpore's scheduler; a lost pod makes the others meet again in place. */
  public static readonly LAUNCH = new MindFormersLauncher('launch');
  /** MindSpore's own msrun, from MindFormers 1.1 on: no rank table; a lost rank ends every pod, and Kubernetes starts them again. */
  public static readonly MSRUN = new MindFormersLauncher('msrun');

  private constructor(
    /** The launcher's name. */
    public readonly name: string,
  ) {}
}
