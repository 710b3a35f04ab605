import type { GlmModel } from '../models/glm-model';
import { type IArtifactStore, mountPath } from './artifact-store';
import { addressing, checkBucketHost } from './bucket-address';
import type { LineageValue } from './lineage';
import type {
  ArchiveSourceOptions, GitLfsSourceOptions, HttpSourceOptions, HubSourceOptions, S3SourceOptions,
} from './weight-source-options';

/** A Secret key that a credential comes from, and the variable it is put into. */
export interface TokenReference {
  readonly env: string;
  readonly secretName: string;
  readonly key: string;
}

interface SourceProps {
  readonly kind: string;
  /** What the content depends on; mirrors and tokens do not belong to it. */
  readonly identity: LineageValue;
  /** The `--source` of fetch_weights.py. */
  readonly specification: Readonly<Record<string, unknown>>;
  readonly tokens?: readonly TokenReference[] | undefined;
  readonly store?: IArtifactStore | undefined;
  /** Whose weights a hub's repository holds. */
  readonly model?: GlmModel;
}

/**
 * Where the files of an artifact come from: a hub, single files, an archive or a directory of a mounted volume. A source is
 * pinned by a revision or by checksums; what is not has to say `trustOnFirstUse`.
 */
export class WeightSource {
  /**
   * A repository of Hugging Face, or of a mirror with the same API.
   *
   * @throws if neither the model nor the options give a repository, or the revision is missing or moves
   */
  public static huggingFace(model: GlmModel, options: HubSourceOptions = {}): WeightSource {
    return new WeightSource(hub('huggingface', 'HF_TOKEN', model, model.huggingFace, options));
  }

  /**
   * A repository of ModelScope, whose revisions are its own: `revision` is needed.
   *
   * @throws if neither the model nor the options give a repository, or the revision is missing or moves
   */
  public static modelScope(model: GlmModel, options: HubSourceOptions = {}): WeightSource {
    return new WeightSource(hub('modelscope', 'MODELSCOPE_API_TOKEN', model, model.modelScope, options));
  }

  /**
   * Single files.
   *
   * @throws if there is no file, a URL is not http or https, or a checksum is missing without `trustOnFirstUse`
   */
  public static http(options: HttpSourceOptions): WeightSource {
    if (options.files.length === 0) {
      throw new Error('\'files\' of an http source must not be empty');
    }
    const files = options.files.map((file) => ({ ...file, path: file.path ?? fileName(file.url) }));
    files.forEach(({ url, path, sha256 }) => {
      checkPin(url, sha256, options.trustOnFirstUse);
      checkInside(path);
    });
    const twice = files.find((file, index) => files.findIndex(({ path }) => path === file.path) !== index);
    if (twice !== undefined) {
      throw new Error(`two files of an http source have the path '${twice.path}'; give each a 'path' of its own`);
    }
    return new WeightSource({ kind: 'http', identity: files.map(({ url, path, sha256 }) => ({ path, ...content(url, sha256) })), specification: { files, trustOnFirstUse: options.trustOnFirstUse } });
  }

  /**
   * An archive that is unpacked.
   *
   * @throws if the URL is not http or https, the checksum is missing without `trustOnFirstUse`, or `stripComponents` is negative
   */
  public static archive(options: ArchiveSourceOptions): WeightSource {
    const { url, sha256, trustOnFirstUse, stripComponents = 0 } = options;
    checkPin(url, sha256, trustOnFirstUse);
    if (!Number.isInteger(stripComponents) || stripComponents < 0) {
      throw new Error(`'stripComponents' must be a whole number from 0, got ${String(stripComponents)}`);
    }
    return new WeightSource({ kind: 'archive', identity: { ...content(url, sha256), stripComponents }, specification: { url, sha256, trustOnFirstUse, stripComponents } });
  }

  /**
   * The archive of one commit of a GitHub repository. The commit pins the content, so no checksum is needed.
   *
   * @param repository e.g. `mindspore-lab/mindformers`
   * @param commit 40 hexadecimal digits
   * @throws if the commit is not a full one
   */
  public static gitHubCommit(repository: string, commit: string): WeightSource {
    if (!/^\w[\w.-]*\/\w[\w.-]*$/.test(repository) || !/^[0-9a-f]{40}$/.test(commit)) {
      throw new Error(`a GitHub source needs 'owner/name' and a commit of 40 hexadecimal digits, got '${repository}' and '${commit}'`);
    }
    const url = `https://github.com/${repository}/archive/${commit}.tar.gz`;
    return new WeightSource({ kind: 'archive', identity: { repository, commit }, specification: { url, trustOnFirstUse: true, stripComponents: 1 } });
  }

  /**
   * A git repository with LFS files, read without a clone, which would store every object twice.
   *
   * @throws if the URL is not http or https, or the revision is no full commit
   */
  public static gitLfs(options: GitLfsSourceOptions): WeightSource {
    const { url, revision, tokenSecret, tokenSecretKey = 'token' } = options;
    checkUrl('url', url);
    if (!/^[0-9a-f]{40}$/.test(revision)) {
      throw new Error(`'revision' of ${url} must be a commit of 40 hexadecimal digits, got '${revision}'`);
    }
    const tokens = tokenSecret && [{ env: 'GIT_TOKEN', secretName: tokenSecret.name, key: tokenSecretKey }];
    return new WeightSource({ kind: 'git-lfs', identity: { url, revision }, specification: { url, revision, ...(tokens && { tokenEnv: 'GIT_TOKEN' }) }, tokens });
  }

  /**
   * Objects of an S3-compatible store, such as Huawei OBS or MinIO.
   *
   * @throws if the endpoint is not http or https, bucket or prefix are empty, or no certificate covers the bucket's host
   */
  public static s3(options: S3SourceOptions): WeightSource {
    const { endpoint, bucket, prefix, region, credentialsSecret, version, trustOnFirstUse, virtualHosted } = options;
    checkUrl('endpoint', endpoint);
    if (version === undefined && trustOnFirstUse !== true) {
      throw new Error(`'version' of s3 ${bucket}/${prefix} is missing: give what tells this state of the objects from another, or set 'trustOnFirstUse'`);
    }
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || prefix.replace(/\//g, '') === '') {
      throw new Error(`an s3 source needs a 'bucket' and a 'prefix', got '${bucket}' and '${prefix}'`);
    }
    checkBucketHost(endpoint, bucket, virtualHosted);
    // Names that begin with S3_ make MindFormers believe that it is on ModelArts (mindformers@3354237 check_in_modelarts).
    const tokens = credentialsSecret && [
      { env: 'STORE_ACCESS_KEY', secretName: credentialsSecret.name, key: 'accessKey' },
      { env: 'STORE_SECRET_KEY', secretName: credentialsSecret.name, key: 'secretKey' },
    ];
    return new WeightSource({
      kind: 's3', tokens, identity: { bucket, prefix, version },
      specification: { endpoint: endpoint.replace(/\/+$/, ''), bucket, prefix, region, addressing: addressing(virtualHosted), trustOnFirstUse, ...(tokens && { accessKeyEnv: 'STORE_ACCESS_KEY', secretKeyEnv: 'STORE_SECRET_KEY' }) },
    });
  }

  /**
   * A directory of another store, which the downloading pod mounts read-only. It is checked by its marker if it has one;
   * else what the first copy sees is recorded and later ones must agree.
   *
   * @param store the store that holds it
   * @param path its directory, relative to the store's root
   * @throws if the path is empty, absolute or leaves the store
   */
  public static directory(store: IArtifactStore, path: string): WeightSource {
    if (path === '' || path.split('/').some((part) => ['', '.', '..'].includes(part))) {
      throw new Error(`'path' of a directory source must be inside the store, like 'models/chatglm3-6b', got '${path}'`);
    }
    return new WeightSource({
      kind: 'directory', identity: { store: store.storeName, path }, specification: { path: `${mountPath(store)}/${path}` }, store,
    });
  }

  /** Which kind of source it is, as fetch_weights.py names it. */
  public readonly kind: string;
  /** @internal */
  public readonly _identity: LineageValue;
  /** @internal */
  public readonly _tokens: readonly TokenReference[];
  /** @internal */
  public readonly _store?: IArtifactStore;
  /** @internal */
  public readonly _model?: GlmModel;
  private readonly specification: Readonly<Record<string, unknown>>;

  private constructor({ kind, identity, specification, tokens = [], store, model }: SourceProps) {
    this.kind = kind;
    this._identity = { kind, identity };
    this._tokens = tokens;
    this._store = store;
    this._model = model;
    this.specification = specification;
  }

  /** @internal */
  public _argument(endpoints: Readonly<Record<string, string | undefined>>): string {
    const endpoint = this.specification.endpoint ?? endpoints[this.kind];
    return JSON.stringify({ kind: this.kind, ...this.specification, ...(endpoint !== undefined && { endpoint }) });
  }
}

function hub(kind: string, tokenEnv: string, model: GlmModel, known: string | undefined, options: HubSourceOptions): SourceProps {
  const { repository = known, endpoint } = options;
  const revision = options.revision ?? (kind === 'huggingface' ? model.revisionFor(options.runtime ?? '') : undefined);
  checkRepository(kind, model, repository);
  checkRevision(kind, model, revision, options.trustOnFirstUse ?? false);
  if (endpoint !== undefined) {
    checkUrl('endpoint', endpoint);
  }
  const tokens = options.tokenSecret && [{ env: tokenEnv, secretName: options.tokenSecret.name, key: options.tokenSecretKey ?? 'token' }];
  return {
    kind, tokens, model,
    identity: { repository, revision },
    specification: { repository, revision, endpoint: endpoint?.replace(/\/+$/, ''), trustOnFirstUse: options.trustOnFirstUse, ...(tokens && { tokenEnv }) },
  };
}

function checkRepository(kind: string, model: GlmModel, repository: string | undefined): void {
  if (repository === undefined || !/^\w[\w.-]*\/\w[\w.-]*$/.test(repository)) {
    throw new Error(`'repository' of a ${kind} source must look like 'owner/name', got `
      + (repository === undefined ? `none, and no ${kind} repository of ${model.name} is known` : `'${repository}'`));
  }
}

function checkRevision(kind: string, model: GlmModel, revision: string | undefined, trustOnFirstUse: boolean): void {
  const isHuggingFace = kind === 'huggingface';
  if (revision === undefined || revision.trim() === '') {
    throw new Error(`'revision' of ${model.name} is ${revision === undefined ? 'missing' : 'empty'}: `
      + (isHuggingFace ? 'give the commit, or a \'runtime\' whose guide names one' : 'give a tag of the ModelScope repository; the commits that guides name are Hugging Face\'s'));
  }
  if (!/^\w[\w./-]*$/.test(revision) || revision.includes('..')) {
    throw new Error(`'revision' must be a commit, tag or branch, got '${revision}'`);
  }
  if (/^(main|master|head|refs\/heads\/.*)$/i.test(revision) && !trustOnFirstUse) {
    throw new Error(`'revision' '${revision}' of ${model.name} moves: give a ${isHuggingFace ? 'commit' : 'tag'}, or set 'trustOnFirstUse' to keep what the first download sees`);
  }
}

function checkPin(url: string, sha256: string | undefined, trustOnFirstUse = false): void {
  checkUrl('url', url);
  if (sha256 === undefined && !trustOnFirstUse) {
    throw new Error(`'sha256' of ${url} is missing: give it, or set 'trustOnFirstUse' to record what the first download sees`);
  }
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new Error(`'sha256' of ${url} must be 64 lower case hexadecimal digits, got '${sha256}'`);
  }
}

/** The path comes from a URL or a person; it must not leave the artifact. */
function checkInside(path: string): void {
  if (path.startsWith('/') || path.includes('\\') || path.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw new Error(`'path' of an http file must be a path inside the artifact, like 'glm3_6b.ckpt', got '${path}'`);
  }
}

/** With a checksum the content is known wherever it comes from; without one the URL is all there is. */
function content(url: string, sha256: string | undefined): LineageValue & object {
  return sha256 === undefined ? { url } : { sha256 };
}

/** Throws unless it is an http or https URL without credentials. */
export function checkUrl(what: string, url: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    throw new Error(`'${what}' must be an http or https URL, got '${url}'`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new Error(`'${what}' must not carry a user name or password (it would stand in the manifest): ${parsed.host}; use a Secret`);
  }
}

function fileName(url: string): string {
  checkUrl('url', url);
  const name = decoded(new URL(url).pathname.split('/').pop() ?? '');
  if (name === '') {
    throw new Error(`'path' is needed for ${url}, whose URL ends in no file name`);
  }
  return name;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
