import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { Task } from '../lib/runtimes/task';

/** Artifacts of known size that constructs keep on a store, by directory. */
const HOLDINGS = new WeakMap<IArtifactStore, Map<string, number>>();

/**
 * Notes that the artifacts of a task are kept on their stores.
 *
 * @throws if the artifacts of a store are larger than it
 */
export function holdArtifacts({ inputs, output }: Task): void {
  [...inputs, ...(output ? [output] : [])].forEach(hold);
}

function hold({ store, directory, bytes = 0 }: Artifact): void {
  const held = HOLDINGS.get(store) ?? new Map<string, number>();
  HOLDINGS.set(store, held.set(directory, bytes));
  const sum = [...held.values()].reduce((total, size) => total + size, 0);
  const capacity = store.capacity === undefined ? Infinity : store.capacity.toKibibytes() * 1024;
  if (sum > capacity) {
    throw new Error(`the store '${store.storeName}' has ${gibibytes(capacity)}, but its artifacts need ${gibibytes(sum)} (${[...held.keys()].join(', ')}); make it larger`);
  }
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
