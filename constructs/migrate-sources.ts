import { Construct } from 'constructs';

import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import type { Runtime } from '../lib/runtimes/runtime';
import { located } from './located';
import { type JobOptions, outputOf, renderStepJob } from './step-job';

/** A source tree to rewrite for a vendor's PyTorch. */
export interface MigrateSourcesProps extends JobOptions {
  /** The software whose image has the vendor's tool. */
  readonly runtime: Runtime;
  /** The source tree. */
  readonly from: Artifact;

  /**
   * The store that gets the rewritten tree.
   *
   * @default - that of `from`
   */
  readonly store?: IArtifactStore;
}

/** A Job that rewrites a source tree from CUDA to the vendor's devices, by the vendor's own tool; its report is kept in the tree. */
export class MigrateSources extends Construct {
  /** The rewritten tree. */
  public readonly artifact: Artifact;

  /**
   * @throws if the runtime has no such tool, or `from` is no source tree
   */
  constructor(scope: Construct, id: string, props: MigrateSourcesProps) {
    super(scope, id);
    this.artifact = located(this, () => {
      const { runtime, from, store = from.store } = props;
      from._require([ArtifactFormat.SOURCE_TREE], 'from', 'DownloadFiles with ArtifactFormat.SOURCE_TREE makes one');
      return renderStepJob(this, runtime._step('migrate', { from, output: outputOf(id, store) }), props);
    });
  }
}
