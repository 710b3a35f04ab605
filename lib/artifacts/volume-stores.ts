import { Size } from 'cdk8s';

import { checkImage } from '../image';
import type { GlmModel } from '../models/glm-model';
import type { IArtifactStore } from './artifact-store';

/** Options of `NodeStore`. */
export interface NodeStoreProps {
  /** Folder under `/artifacts` where pods see it; kebab-case. */
  readonly storeName: string;
  /** Directory on every node, absolute; it must be writable by the user of the pods. */
  readonly path: string;
}

/**
 * A directory of each node: weights are downloaded once a node and survive the pod. It suits `Artifact.downloadedInPod`; what a Job on one node
 * writes, a pod on another does not see.
 */
export class NodeStore implements IArtifactStore {
  /** Folder under `/artifacts` where pods see it. */
  public readonly storeName: string;
  /** Pods on several nodes can use it, each with its node's own content. */
  public readonly shared = true;
  /** Whether nobody may write to it. */
  public readonly readOnly = false;
  /** A Job cannot prepare it for pods elsewhere. */
  public readonly podLocal?: boolean = true;
  /** The `volumes` entry of a pod without its name. */
  public readonly volumeSource: { [key: string]: any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- jsii has no unknown

  /**
   * @throws if the name is not kebab-case or the path not absolute
   */
  constructor(props: NodeStoreProps) {
    this.storeName = checkStoreName(props.storeName);
    if (!/^\/[^\s]+$/.test(props.path) || props.path.split('/').includes('..')) {
      throw new Error(`'path' of a node store must be an absolute directory, like '/var/cache/models', got '${props.path}'`);
    }
    this.volumeSource = { hostPath: { path: props.path, type: 'DirectoryOrCreate' } };
  }
}

/** Options of `EphemeralStore`. */
export interface EphemeralStoreProps {
  /** Folder under `/artifacts` where pods see it; kebab-case. */
  readonly storeName: string;
  /** How much a pod may write; the node's disk must have it. */
  readonly size: Size;
}

/** An `emptyDir`: every pod downloads the weights anew. For trials, and for nodes with fast disks near a mirror. */
export class EphemeralStore implements IArtifactStore {
  /**
   * A store with room for one model's published weights and a tenth more, for the download's journal and small files.
   *
   * @param storeName folder under `/artifacts` where pods see it; kebab-case
   * @param model the model whose weights go there
   * @throws if the name is not kebab-case
   */
  public static forModel(storeName: string, model: GlmModel): EphemeralStore {
    return new EphemeralStore({ storeName, size: Size.gibibytes(Math.ceil(1.1 * model.weightsBytes / 2 ** 30)) });
  }

  /** Folder under `/artifacts` where pods see it. */
  public readonly storeName: string;
  /** Every pod has its own. */
  public readonly shared = true;
  /** Whether nobody may write to it. */
  public readonly readOnly = false;
  /** A Job cannot prepare it for other pods. */
  public readonly podLocal?: boolean = true;
  /** What fits on it. */
  public readonly capacity?: Size;
  private readonly sizeLimit: string;

  /**
   * @throws if the name is not kebab-case or the size not positive
   */
  constructor(props: EphemeralStoreProps) {
    this.storeName = checkStoreName(props.storeName);
    if (props.size.toKibibytes() < 1) {
      throw new Error(`'size' of an ephemeral store must be positive, got ${props.size.asString()}`);
    }
    this.capacity = props.size;
    this.sizeLimit = `${String(props.size.toMebibytes())}Mi`;
  }

  /** The `volumes` entry of a pod without its name. */
  public get volumeSource(): { [key: string]: any } { // eslint-disable-line @typescript-eslint/no-explicit-any -- jsii has no unknown
    return { emptyDir: { sizeLimit: this.sizeLimit } };
  }
}

/** Options of `ImageStore`. */
export interface ImageStoreProps {
  /** Folder under `/artifacts` where pods see it; kebab-case. */
  readonly storeName: string;
  /** The OCI image or artifact that holds the files, by full tag or digest. */
  readonly image: string;
}

/**
 * The content of an OCI image as a read-only volume: nothing is downloaded, the kubelet pulls it. It needs a cluster with image volumes
 * (Kubernetes 1.33, where they are on by default); use it with `Artifact.existing`.
 */
export class ImageStore implements IArtifactStore {
  /** Folder under `/artifacts` where pods see it. */
  public readonly storeName: string;
  /** Every node pulls the image. */
  public readonly shared = true;
  /** Images cannot be written to. */
  public readonly readOnly = true;
  /** The `volumes` entry of a pod without its name. */
  public readonly volumeSource: { [key: string]: any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- jsii has no unknown

  /**
   * @throws if the name is not kebab-case or the image not pinned
   */
  constructor(props: ImageStoreProps) {
    this.storeName = checkStoreName(props.storeName);
    checkImage('image', props.image);
    this.volumeSource = { image: { reference: props.image, pullPolicy: 'IfNotPresent' } };
  }
}

/**
 * Throws unless a store's name is kebab-case and short enough for a volume's name.
 *
 * @returns the name
 */
export function checkStoreName(storeName: string): string {
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(storeName) || storeName.length > 50) {
    throw new Error(`'storeName' must be kebab-case, at most 50 characters, got '${storeName}'`);
  }
  return storeName;
}
