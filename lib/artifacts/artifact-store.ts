import type { V1Volume } from '@kubernetes/client-node';
import type { Size } from 'cdk8s';

/** A volume that holds artifacts and is mounted at its root: at the same path in every pod. */
export interface IArtifactStore {
  /** Name of the volume in pods, and of the folder under `/artifacts` where it is mounted. */
  readonly storeName: string;

  /** Whether pods on several nodes can use it at once. */
  readonly shared: boolean;

  /** Whether nobody may write to it. */
  readonly readOnly: boolean;

  /**
   * Whether each pod or node sees a content of its own, so that a Job cannot prepare it for others.
   *
   * @default false
   */
  readonly podLocal?: boolean;

  /**
   * What fits on it.
   *
   * @default - unknown: the sizes of its artifacts are not checked
   */
  readonly capacity?: Size;

  /** The `volumes` entry of a pod without its name, as Kubernetes JSON. */
  readonly volumeSource: { [key: string]: any }; // eslint-disable-line @typescript-eslint/no-explicit-any -- jsii has no unknown
}

/** Where a store is mounted in every pod. */
export function mountPath(store: IArtifactStore): string {
  return `/artifacts/${store.storeName}`;
}

/** The pod's volume for a store. */
export function storeVolume(store: IArtifactStore): V1Volume {
  return { name: `store-${store.storeName}`, ...store.volumeSource };
}
