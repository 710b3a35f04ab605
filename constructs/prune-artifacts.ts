import { isDeepStrictEqual } from 'node:util';

import type { Duration } from 'cdk8s';
import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { type IArtifactStore, mountPath, storeVolume } from '../lib/artifacts/artifact-store';
import { checkImage } from '../lib/image';
import { PYTHON_IMAGE, scriptPath } from '../lib/pods/scripts';
import { SecurityLevel } from '../lib/pods/security-level';
import type { Task } from '../lib/runtimes/task';
import { WorkloadKind } from '../lib/workloads/workload-kind';
import { renderBatchTask } from './batch-task';
import { checkBackoffLimit, type DownloadOptions } from './download-options';
import { located } from './located';
import { servedFrom } from './store-holdings';

/** What to remove from a store. */
export interface PruneArtifactsProps extends DownloadOptions {
  /** The store. */
  readonly store: IArtifactStore;
  /** The artifacts that stay. Whatever else this library made there goes; directories of others are left alone. Servers read their source trees, too. */
  readonly keep: Artifact[];

  /**
   * Really remove. Without it the Job only says what it would remove.
   *
   * @default false
   */
  readonly remove?: boolean;

  /**
   * Keep what changed in this time, which a workflow may just be making.
   *
   * @default Duration.days(1)
   */
  readonly minimumAge?: Duration;
}

/**
 * A Job that removes artifacts which nothing refers to any more. It is a dry run unless `remove` is set.
 *
 * It must run as the user who wrote them: where vendor images wrote as root and the platform names no `user`, give it
 * `SecurityLevel.VENDOR_DEFAULT`.
 */
export class PruneArtifacts extends Construct {
  /**
   * @throws if nothing is kept, something kept is on another store, or the store is read-only; at synth, if something would be removed that a server in this namespace reads
   */
  constructor(scope: Construct, id: string, props: PruneArtifactsProps) {
    super(scope, id);
    located(this, () => renderBatchTask(this, {
      task: pruneTask(props), kind: WorkloadKind.JOB, pods: 1, options: props,
      backoffLimit: checkBackoffLimit(props.backoffLimit ?? 3),
      ttlSecondsAfterFinished: props.ttlAfterFinished?.toSeconds(),
    }));
    this.node.addValidation({ validate: () => props.remove === true ? this.missed(props) : [] });
  }

  /** A server is easily kept without the source tree that its pods read as well. */
  private missed({ store, keep }: PruneArtifactsProps): string[] {
    return servedFrom(this, store)
      .filter(({ artifact }) => !keep.some(({ directory }) => directory === artifact.directory))
      .map(({ server, artifact }) => `'keep' lacks ${artifact.directory}, which ${server.node.path} reads whenever a pod of it starts; add it, or remove the server first`);
  }
}

function pruneTask({ store, keep, remove = false, minimumAge, image = PYTHON_IMAGE }: PruneArtifactsProps): Task {
  checkImage('image', image);
  checkKeep(store, keep);
  return {
    name: 'prune',
    runtime: 'prune',
    image,
    command: [
      'python3', scriptPath('prune_artifacts'), '--store', mountPath(store), ...keep.flatMap(({ directory }) => ['--keep', directory]),
      ...(minimumAge === undefined ? [] : ['--min-age', String(minimumAge.toSeconds())]), ...(remove ? ['--delete'] : []),
    ],
    inputs: [],
    security: SecurityLevel.RESTRICTED,
    fragment: {
      scripts: ['prune_artifacts'],
      volumes: [storeVolume(store)],
      mounts: [{ name: storeVolume(store).name, mountPath: mountPath(store), ...(!remove && { readOnly: true }) }],
      requests: { cpu: '100m', memory: '64Mi' },
      limits: { memory: '256Mi' },
    },
  };
}

function checkKeep(store: IArtifactStore, keep: readonly Artifact[]): void {
  if (store.readOnly) {
    throw new Error(`'store' ${store.storeName} is read-only; nothing can be removed from it`);
  }
  if (keep.length === 0) {
    throw new Error(`'keep' is empty, so everything on the store '${store.storeName}' would go; name the artifacts that are in use`);
  }
  if (store.podLocal === true) {
    throw new Error(`the store '${store.storeName}' is another one on every node or in every pod, so a Job cannot prune it`);
  }
  const elsewhere = keep.find((artifact) => !isDeepStrictEqual(artifact.store.volumeSource, store.volumeSource));
  if (elsewhere !== undefined) {
    throw new Error(`'keep' has ${elsewhere.directory}, which is on another store (${describe(elsewhere.store)}) than the one to prune (${describe(store)})`);
  }
}

function describe({ storeName, volumeSource }: IArtifactStore): string {
  return `'${storeName}' ${JSON.stringify(volumeSource)}`;
}
