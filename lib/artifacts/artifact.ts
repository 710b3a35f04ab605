import type { Size } from 'cdk8s';

import type { GlmModel } from '../models/glm-model';
import { ArtifactFormat } from './artifact-format';
import { type IArtifactStore, mountPath } from './artifact-store';
import { goesAs, holding, holdingBin } from './held-model';
import { lineage as digestLineage, type LineageValue } from './lineage';
import type { WeightSource } from './weight-source';
import { checkPatterns } from './file-patterns';

/** An artifact that somebody put on a store by other means. */
export interface ExistingArtifactProps {
  /** The store that holds it. */
  readonly store: IArtifactStore;
  /** Its directory, relative to the store's root. */
  readonly directory: string;
  /** What it holds. */
  readonly format: ArtifactFormat;

  /**
   * Whether the directory has this library's marker, so that consumers can wait for it.
   *
   * @default false
   */
  readonly marked?: boolean;
}

/** How hard a download works. None of it changes what comes out. */
export interface DownloadTuning {
  /**
   * Connections at a time, 1 to 64.
   *
   * @default 8
   */
  readonly connections?: number;

  /**
   * The most that all connections together take, per second.
   *
   * @default - no limit
   */
  readonly rateLimit?: Size;

  /**
   * Hash all files again when they are complete already.
   *
   * @default - the marker is believed
   */
  readonly verify?: boolean;

  /**
   * Write progress as JSON lines.
   *
   * @default - plain lines
   */
  readonly jsonProgress?: boolean;
}

/** Throws unless the numbers can be passed to the script. */
export function checkTuning({ connections, rateLimit }: DownloadTuning): void {
  if (connections !== undefined && !(Number.isInteger(connections) && connections >= 1 && connections <= 64)) {
    throw new Error(`'connections' must be a whole number from 1 to 64, got ${String(connections)}`);
  }
  if (rateLimit !== undefined && rateLimit.toKibibytes() < 1) {
    throw new Error(`'rateLimit' must be at least 1 KiB a second, got ${rateLimit.asString()}`);
  }
}

/** What is downloaded, from where, to which store. */
export interface DownloadedWeightsProps extends DownloadTuning {
  /** The store that holds the weights. */
  readonly store: IArtifactStore;
  /** Where they come from. */
  readonly source: WeightSource;
  /** The model that they are; its name and its files follow. */
  readonly model: GlmModel;

  /**
   * What the source holds.
   *
   * @default ArtifactFormat.HUGGING_FACE
   */
  readonly format?: ArtifactFormat;

  /**
   * Other places of the same files, tried before `source`, nearest first.
   *
   * @default - none
   */
  readonly mirrors?: WeightSource[];

  /**
   * Glob patterns of the files that are taken.
   *
   * @default - from hubs what the model needs, else everything
   */
  readonly include?: string[];

  /**
   * Glob patterns of files that are left out.
   *
   * @default - none
   */
  readonly exclude?: string[];
}

/** How an artifact comes into being inside the pods that read it. */
export interface ArtifactDownload {
  /** In the order in which they are tried. */
  readonly sources: readonly WeightSource[];
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly require: readonly string[];
  readonly bytes: number;
  readonly tuning?: DownloadTuning;
}

interface ArtifactProps {
  readonly store: IArtifactStore;
  readonly directory: string;
  readonly name: string;
  readonly lineage: string;
  readonly format: ArtifactFormat;
  readonly marked: boolean;
  readonly bytes?: number | undefined;
  readonly download?: ArtifactDownload | undefined;
}

/**
 * A directory on a store that one task writes and others read: weights, checkpoints, data sets, source trees.
 *
 * The directory is `<name>-<lineage>`; the lineage is a digest of what defines the content and of nothing else, so a changed
 * source revision or setting makes a new directory while a changed label or resource does not. A directory is immutable once its
 * marker is written.
 */
export class Artifact {
  /**
   * A directory that exists already; no Job is rendered for it.
   *
   * @throws if the directory is empty, absolute or leaves the store
   */
  public static existing(props: ExistingArtifactProps): Artifact {
    const { directory } = props;
    if (directory === '' || directory.startsWith('/') || directory.split('/').some((part) => part === '..' || part === '.' || part === '')) {
      throw new Error(`'directory' of an existing artifact must be a path inside the store, like 'models/chatglm3-6b', got '${directory}'`);
    }
    if (Object.hasOwn(props.store.volumeSource, 'emptyDir')) {
      throw new Error(`nothing can exist on the ephemeral store '${props.store.storeName}' before its pod; use Artifact.downloadedInPod`);
    }
    return new Artifact({
      ...props, marked: props.marked ?? false, name: directory, lineage: digestLineage({ store: props.store.storeName, directory }),
    });
  }

  /**
   * Weights that every pod which reads them downloads in an init container, unless they are complete already. Pods that start
   * together agree on one that downloads. Where many workloads share the weights, or devices must not wait, download them by `DownloadWeights` first.
   *
   * @throws if the store is read-only
   */
  public static downloadedInPod(props: DownloadedWeightsProps): Artifact {
    return Artifact._weights(props, true);
  }

  /** @internal */
  public static _weights(props: DownloadedWeightsProps, inPod: boolean): Artifact {
    const { store, source, model, format = ArtifactFormat.HUGGING_FACE } = props;
    if (store.readOnly) {
      throw new Error(`'store' ${store.storeName} is read-only; ${model.name} cannot be downloaded to it`);
    }
    const download = weightsDownload(props);
    checkSources(download.sources, model);
    const { include, exclude } = download;
    const definition = { source: source._identity, include, ...(exclude.length > 0 && { exclude }) };
    const artifact = holding(Artifact._produced(model.name, store, format, definition, { bytes: model.weightsBytes, ...(inPod && { download }) }), model);
    return download.require.includes('*.bin') ? holdingBin(artifact) : artifact;
  }

  /** @internal */
  public static _produced(
    name: string, store: IArtifactStore, format: ArtifactFormat, definition: LineageValue, extra: { bytes?: number; download?: ArtifactDownload } = {},
  ): Artifact {
    const lineage = digestLineage({ format: format.name, definition });
    return new Artifact({ store, format, name, lineage, directory: `${name}-${lineage}`, marked: true, ...extra });
  }

  /** The store that holds it. */
  public readonly store: IArtifactStore;
  /** Its directory, relative to the store's root. */
  public readonly directory: string;
  /** Its name without the lineage. */
  public readonly name: string;
  /** The digest of what defines its content. */
  public readonly lineage: string;
  /** What it holds. */
  public readonly format: ArtifactFormat;
  /** Whether its directory gets a marker when it is complete. */
  public readonly marked: boolean;
  /** Its size in bytes, where the catalogue knows. */
  public readonly bytes?: number;
  /** @internal */
  public readonly _download?: ArtifactDownload;

  private constructor(props: ArtifactProps) {
    this.store = props.store;
    this.directory = props.directory;
    this.name = props.name;
    this.lineage = props.lineage;
    this.format = props.format;
    this.marked = props.marked;
    this.bytes = props.bytes;
    this._download = props.download;
  }

  /** Its absolute path in every pod. */
  public get path(): string {
    return `${mountPath(this.store)}/${this.directory}`;
  }

  /** @internal */
  public _require(formats: readonly ArtifactFormat[], prop: string, remedy: string): void {
    if (!formats.some(({ name }) => name === this.format.name)) {
      throw new Error(`'${prop}' must hold ${formats.map(String).join(' or ')}, got ${this.format.name} (${this.directory}); ${remedy}`);
    }
  }
}

/** Hubs hold more than a runtime needs, so their files are chosen; files, archives and directories are taken whole. */
export function weightsDownload(props: DownloadedWeightsProps): ArtifactDownload {
  const { source, model, mirrors = [], exclude = [], format = ArtifactFormat.HUGGING_FACE } = props;
  const isRepository = ['huggingface', 'modelscope', 'git-lfs'].includes(source.kind);
  const include = props.include ?? (isRepository ? model.filePatterns : []);
  const isModel = format.name === ArtifactFormat.HUGGING_FACE.name;
  checkTuning(props);
  if (isModel) {
    checkPatterns(model, include, exclude);
  }
  return { sources: [...mirrors, source], include: [...include], exclude: [...exclude], require: isModel ? model.requiredPatterns : [], bytes: model.weightsBytes, tuning: props };
}

function checkSources(sources: readonly WeightSource[], model: GlmModel): void {
  const stranger = sources.map(({ _model }) => _model).find((held) => held !== undefined && !goesAs(held, model));
  if (stranger !== undefined) {
    throw new Error(`a source is of ${stranger.name}, but 'model' is ${model.name}; WeightSource and 'model' must be of the same`);
  }
}
