import type { ISecret } from 'cdk8s-plus-27';

/** Options of `WeightSource.huggingFace` and `WeightSource.modelScope`. */
export interface HubSourceOptions {
  /**
   * The repository, e.g. `THUDM/chatglm3-6b`.
   *
   * @default - the model's
   */
  readonly repository?: string;

  /**
   * The commit or tag; ModelScope knows its own tags only, not the commits of Hugging Face. A branch such as `main` or `master` is refused,
   * unless `trustOnFirstUse` is set.
   *
   * @default - of Hugging Face the revision that the guide of `runtime` names; ModelScope needs one
   */
  readonly revision?: string;

  /**
   * The runtime whose guide's revision is taken when `revision` is not given, e.g. `atb-models`; of Hugging Face only.
   *
   * @default - none
   */
  readonly runtime?: string;

  /**
   * The hub or a mirror of it.
   *
   * @default - the platform's, else the hub itself
   */
  readonly endpoint?: string;

  /**
   * The Secret with an access token, for private and gated repositories.
   *
   * @default - anonymous
   */
  readonly tokenSecret?: ISecret;

  /**
   * The key of the token in the Secret.
   *
   * @default 'token'
   */
  readonly tokenSecretKey?: string;

  /**
   * Accept a moving revision: what the first download sees is recorded and later ones must agree.
   *
   * @default false
   */
  readonly trustOnFirstUse?: boolean;
}

/** One file behind a URL. */
export interface HttpFile {
  /** Where it is, http or https. */
  readonly url: string;

  /**
   * Its path in the artifact.
   *
   * @default - the last part of the URL's path
   */
  readonly path?: string;

  /**
   * Its SHA-256, 64 hexadecimal digits.
   *
   * @default - none: `trustOnFirstUse` is needed
   */
  readonly sha256?: string;
}

/** Options of `WeightSource.http`. */
export interface HttpSourceOptions {
  /** The files. */
  readonly files: HttpFile[];

  /**
   * Record the checksum of what the first download sees, where none is given.
   *
   * @default false
   */
  readonly trustOnFirstUse?: boolean;
}

/** Options of `WeightSource.archive`. */
export interface ArchiveSourceOptions {
  /** Where the `.tar.gz`, `.tar` or `.zip` is, http or https. */
  readonly url: string;

  /**
   * SHA-256 of the archive, 64 hexadecimal digits.
   *
   * @default - none: `trustOnFirstUse` is needed
   */
  readonly sha256?: string;

  /**
   * Record the checksum of what the first download sees.
   *
   * @default false
   */
  readonly trustOnFirstUse?: boolean;

  /**
   * Leading path components that are dropped from the names in the archive.
   *
   * @default 0
   */
  readonly stripComponents?: number;
}

/** Options of `WeightSource.gitLfs`. */
export interface GitLfsSourceOptions {
  /** The repository's https URL, as for `git clone`. */
  readonly url: string;
  /** The commit, 40 hexadecimal digits. */
  readonly revision: string;

  /**
   * The Secret with an access token.
   *
   * @default - anonymous
   */
  readonly tokenSecret?: ISecret;

  /**
   * The key of the token in the Secret.
   *
   * @default 'token'
   */
  readonly tokenSecretKey?: string;
}

/** Options of `WeightSource.s3`. */
export interface S3SourceOptions {
  /** The store's URL, e.g. `https://obs.cn-north-4.myhuaweicloud.com`. */
  readonly endpoint: string;
  /** The bucket. */
  readonly bucket: string;
  /** What the keys of the wanted objects begin with; names in the artifact are what follows. */
  readonly prefix: string;

  /**
   * Whether the bucket goes into the host name, `https://<bucket>.<endpoint>/`, and not into the path.
   *
   * @default - as the endpoint wants it: in the host for Huawei OBS and Alibaba OSS, else in the path
   */
  readonly virtualHosted?: boolean;

  /**
   * The region that requests are signed for.
   *
   * @default 'us-east-1'
   */
  readonly region?: string;

  /**
   * The Secret with the keys `accessKey` and `secretKey`.
   *
   * @default - anonymous
   */
  readonly credentialsSecret?: ISecret;

  /**
   * What tells one state of the objects from another, such as a date or a version: a changed one makes a new artifact.
   *
   * @default - none: `trustOnFirstUse` is needed
   */
  readonly version?: string;

  /**
   * Take the objects under the prefix never to change: what the first download sees is recorded and later ones must agree.
   *
   * @default false
   */
  readonly trustOnFirstUse?: boolean;
}
