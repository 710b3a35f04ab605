import { isDeepStrictEqual } from 'node:util';

import { Chart } from 'cdk8s';
import { Construct, type IConstruct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { Task } from '../lib/runtimes/task';
import { annotateWhenComplete } from './stages/annotate';
import { ArtifactGraph } from './stages/artifact-graph';

/** Artifacts of known size that constructs keep on a store, by directory. */
const HOLDINGS = new WeakMap<IArtifactStore, Map<string, number>>();

/** An artifact that a server reads whenever a pod of it starts. */
export interface ServedArtifact {
  readonly server: IConstruct;
  readonly artifact: Artifact;
}

/** What the servers of an app read, by the root of the app. */
const SERVED = new WeakMap<IConstruct, ServedArtifact[]>();

/** What servers in a construct's namespace read from a store's volume. */
export function servedFrom(scope: IConstruct, { volumeSource }: IArtifactStore): ServedArtifact[] {
  const { namespace } = Chart.of(scope);
  return (SERVED.get(scope.node.root) ?? [])
    .filter(({ server, artifact }) => isDeepStrictEqual(artifact.store.volumeSource, volumeSource) && Chart.of(server).namespace === namespace);
}

/**
 * Notes that the artifacts of a task are kept on their stores, and what the task makes of what.
 *
 * @throws if the artifacts of a store are larger than it
 */
export function holdArtifacts(scope: IConstruct, task: Task): void {
  const { inputs, output } = task;
  const artifacts = [...inputs, ...(output ? [output] : [])];
  artifacts.forEach(({ store }) => { checkNamespace(scope, store); });
  artifacts.forEach(hold);
  if ('metricsPort' in task) {
    const served = SERVED.get(scope.node.root) ?? [];
    SERVED.set(scope.node.root, served);
    served.push(...inputs.map((artifact) => ({ server: scope, artifact })));
  }
  if (output?.store.podLocal === true) {
    throw new Error(`the store '${output.store.storeName}' is another one on every node or in every pod, so nobody would see ${output.name} that this Job writes; `
      + 'use a ModelStore, or Artifact.downloadedInPod');
  }
  ArtifactGraph.of(scope).add(scope, task);
  annotateWhenComplete(scope);
}

/** Claims are used in their own namespace only. */
function checkNamespace(scope: IConstruct, store: IArtifactStore): void {
  if (!Construct.isConstruct(store)) {
    return;
  }
  const [mine, its] = [Chart.of(scope).namespace, Chart.of(store).namespace];
  if (mine !== its) {
    throw new Error(`the claim of the store '${store.storeName}' is in the namespace '${String(its)}', this workload in '${String(mine)}'; `
      + 'make a ModelStore here with \'existingClaim\', or with \'volumeName\' for a volume on the same share');
  }
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
