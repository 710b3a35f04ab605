import { type Size } from 'cdk8s';
import { Construct } from 'constructs';

import { Artifact, checkTuning, type DownloadTuning } from '../lib/artifacts/artifact';
import { type ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { checkPattern } from '../lib/artifacts/file-patterns';
import type { WeightSource } from '../lib/artifacts/weight-source';
import { checkGiven } from '../lib/required-props';
import { type DownloadOptions, renderDownload } from './download-options';
import { located } from './located';

/** Files to download once, by a Job. */
export interface DownloadFilesProps extends DownloadOptions, DownloadTuning {
  /** The store that gets them. */
  readonly store: IArtifactStore;
  /** Where they come from. */
  readonly source: WeightSource;
  /** What they are: a data set, a source tree. */
  readonly format: ArtifactFormat;

  /**
   * About how much it is; the download's deadline follows from it.
   *
   * @default Size.gibibytes(1)
   */
  readonly size?: Size;

  /**
   * The first part of the directory's name.
   *
   * @default - the construct's id
   */
  readonly artifactName?: string;

  /**
   * Other places of the same files, tried before `source`, nearest first.
   *
   * @default - none
   */
  readonly mirrors?: WeightSource[];

  /**
   * Glob patterns of which each must match at least one file, e.g. `train.json`.
   *
   * @default - none
   */
  readonly require?: string[];
}

/** A Job that downloads something that is no model: a data set (`ArtifactFormat.DATASET`) or a source tree (`ArtifactFormat.SOURCE_TREE`). */
export class DownloadFiles extends Construct {
  /** The files, for the constructs that read them. */
  public readonly artifact: Artifact;

  /**
   * @throws if the store is read-only, the name is not kebab-case, or the image is not pinned
   */
  constructor(scope: Construct, id: string, props: DownloadFilesProps) {
    super(scope, id);
    const bytes = (props.size?.toKibibytes() ?? 1024 * 1024) * 1024;
    located(this, () => { checkGiven(props, 'store', 'source', 'format'); });
    this.artifact = located(this, () => filesArtifact(props, props.artifactName ?? id, bytes));
    located(this, () => renderDownload(this, this.artifact, { sources: [...props.mirrors ?? [], props.source], include: [], exclude: [], require: props.require ?? [], bytes, tuning: props }, props));
  }
}

function filesArtifact({ store, source, format, ...tuning }: DownloadFilesProps, name: string, bytes: number): Artifact {
  checkTuning(tuning);
  tuning.require?.forEach(checkPattern);
  if (store.readOnly) {
    throw new Error(`'store' ${store.storeName} is read-only; ${name} cannot be downloaded to it`);
  }
  if (!/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(name) || name.length > 100) {
    throw new Error(`'artifactName' becomes a directory's name, so it must be kebab-case, at most 100 characters, got '${name}'`);
  }
  return Artifact._produced(name, store, format, { source: source._identity }, { bytes });
}
