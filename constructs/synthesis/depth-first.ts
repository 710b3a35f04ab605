/** Sorts a graph so that successors come first, without recursion, since fleets may chain thousands of charts. */
export class DepthFirst<V> {
  /** What was left, in the order of leaving. */
  public readonly order: V[] = [];
  private readonly left = new Map<V, boolean>();

  /** `onCycle` makes the error for vertices of which each is a successor of the one before, and the first of the last. */
  public constructor(private readonly successors: (vertex: V) => Iterable<V>, private readonly onCycle: (cycle: V[]) => Error) {}

  /** Adds a vertex and what it leads to, unless it is there already. */
  public from(start: V): void {
    const path: V[] = [];
    const pending: Iterator<V>[] = [];
    const enter = (vertex: V): void => {
      this.checkCycle(vertex, path);
      if (!this.left.has(vertex)) {
        this.left.set(vertex, false);
        path.push(vertex);
        pending.push(this.successors(vertex)[Symbol.iterator]());
      }
    };
    enter(start);
    for (let iterator = pending.at(-1); iterator !== undefined; iterator = pending.at(-1)) {
      const next = iterator.next();
      if (next.done === true) {
        pending.pop();
        this.leave(path.pop()!);
      } else {
        enter(next.value);
      }
    }
  }

  private leave(vertex: V): void {
    this.left.set(vertex, true);
    this.order.push(vertex);
  }

  private checkCycle(vertex: V, path: readonly V[]): void {
    if (this.left.get(vertex) === false) {
      throw this.onCycle(path.slice(path.indexOf(vertex)));
    }
  }
}
