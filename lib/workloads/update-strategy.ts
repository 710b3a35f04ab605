/** How the pods of a changed server are replaced. */
export class UpdateStrategy {
  /** All pods end before the new ones start: no spare devices are needed, and nobody answers until the weights are loaded. */
  public static readonly RECREATE = new UpdateStrategy('Recreate', { type: 'Recreate' });

  /** One pod after the other ends and is replaced: no spare devices are needed, and the other replicas answer meanwhile. */
  public static readonly ONE_BY_ONE = new UpdateStrategy('one by one', { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } });

  /** A new pod answers before an old one ends: the cluster must have the devices of one pod to spare, or the update never ends. */
  public static readonly SURGE = new UpdateStrategy('surge', { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });

  private constructor(
    /** The strategy's name. */
    public readonly name: string,
    /** @internal */
    public readonly _strategy: Readonly<Record<string, unknown>>,
  ) {}

  /** The strategy's name. */
  public toString(): string {
    return this.name;
  }
}
