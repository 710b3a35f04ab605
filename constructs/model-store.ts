import { type Size } from 'cdk8s';
import { type IPersistentVolumeClaim, PersistentVolume, PersistentVolumeAccessMode, PersistentVolumeClaim } from 'cdk8s-plus-27';
import { Construct } from 'constructs';

import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { checkStoreName } from '../lib/artifacts/volume-stores';
import { located } from './located';
import { objectName } from './object-name';

/** A new claim for artifacts, or one that exists. */
export interface ModelStoreProps {
  /**
   * Size of a new claim. Weights are 12 to 130 GB, and a fine-tune writes several times that.
   *
   * @default - none: `existingClaim` is needed
   */
  readonly size?: Size;

  /**
   * The storage class of a new claim.
   *
   * @default - the cluster's default class; none with `volumeName`, whose volume has none
   */
  readonly storageClassName?: string;

  /**
   * Access modes of a new claim. Everything but ReadWriteMany binds all pods to one node.
   *
   * @default - ReadWriteMany
   */
  readonly accessModes?: PersistentVolumeAccessMode[];

  /**
   * A claim that exists already, taken to be usable from several nodes.
   *
   * @default - a new claim of `size`
   */
  readonly existingClaim?: IPersistentVolumeClaim;

  /**
   * The PersistentVolume that a new claim is bound to: one made by hand, for a share that another namespace writes, say.
   *
   * @default - the storage class provisions one
   */
  readonly volumeName?: string;

  /**
   * Whether nobody may write to it, as where another namespace's workflow fills it.
   *
   * @default false
   */
  readonly readOnly?: boolean;

  /**
   * Folder under `/artifacts` where pods see it.
   *
   * @default - the construct's id
   */
  readonly storeName?: string;
}

/** A volume for artifacts, mounted at its root under `/artifacts` in every pod that reads or writes one. */
export class ModelStore extends Construct implements IArtifactStore {
  /** Folder under `/artifacts` where pods see it. */
  public readonly storeName: string;
  /** Whether pods on several nodes can use it at once. */
  public readonly shared: boolean;
  /** Whether nobody may write to it. */
  public readonly readOnly: boolean;
  /** What fits on it, where this makes the claim. */
  public readonly capacity?: Size;
  /** Name of the claim. */
  public readonly claimName: string;

  /**
   * @throws if neither or both of `size` and `existingClaim` are given, the size is zero, or a name is not kebab-case
   */
  constructor(scope: Construct, id: string, props: ModelStoreProps) {
    super(scope, id);
    located(this, () => { checkStore(props, props.storeName ?? id); });
    const accessModes = props.accessModes ?? [PersistentVolumeAccessMode.READ_WRITE_MANY];
    this.storeName = props.storeName ?? id;
    this.readOnly = props.readOnly ?? false;
    this.capacity = props.size;
    this.shared = props.existingClaim !== undefined || accessModes.some((mode) => mode.endsWith('Many'));
    this.claimName = props.existingClaim?.name ?? located(this, () => objectName(this));
    if (props.existingClaim === undefined) {
      new PersistentVolumeClaim(this, 'Resource', {
        metadata: { name: this.claimName }, accessModes, storage: props.size!,
        storageClassName: props.storageClassName ?? (props.volumeName === undefined ? undefined : ''), ...(props.volumeName !== undefined && { volume: PersistentVolume.fromPersistentVolumeName(this, 'volume', props.volumeName) }),
      });
    }
  }

  /** The `volumes` entry of a pod without its name. */
  public get volumeSource(): { [key: string]: any } { // eslint-disable-line @typescript-eslint/no-explicit-any -- jsii has no unknown
    return { persistentVolumeClaim: { claimName: this.claimName, ...(this.readOnly && { readOnly: true }) } };
  }
}

function checkStore(props: ModelStoreProps, storeName: string): void {
  const { size, existingClaim, accessModes } = props;
  if ((size === undefined) === (existingClaim === undefined)) {
    throw new Error(`a store needs either 'size' for a new claim or 'existingClaim', got ${size === undefined ? 'neither' : 'both'}`);
  }
  if (size !== undefined && size.toKibibytes() < 1) {
    throw new Error(`'size' of a store must be positive, got ${size.asString()}`);
  }
  if (size !== undefined && size.toKibibytes() % (1024 * 1024) !== 0) {
    throw new Error(`'size' of a store must be whole GiB, got ${size.asString()}`);
  }
  if (accessModes?.length === 0) {
    throw new Error('\'accessModes\' of a store must not be empty; leave it out for ReadWriteMany');
  }
  checkStoreName(storeName);
  checkClaim(props);
}

/** What is said about the claim must not be lost, and must not contradict what the store is for. */
function checkClaim({ existingClaim, accessModes, storageClassName, volumeName, readOnly }: ModelStoreProps): void {
  const unused = Object.entries({ accessModes, storageClassName, volumeName }).find(([, value]) => value !== undefined);
  if (existingClaim !== undefined && unused !== undefined) {
    throw new Error(`'${unused[0]}' is for a new claim, but 'existingClaim' is given; leave one of them out`);
  }
  if (readOnly !== true && accessModes?.every((mode) => mode === PersistentVolumeAccessMode.READ_ONLY_MANY) === true) {
    throw new Error('\'readOnly\' must be set for a store whose only access mode is ReadOnlyMany');
  }
}
