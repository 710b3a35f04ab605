import { isDeepStrictEqual } from 'node:util';

import type { V1Container, V1VolumeMount } from '@kubernetes/client-node';

import { renderCommand } from '../pods/env';
import { RESTRICTED_CONTAINER } from '../pods/security-level';
import { type IArtifactStore, mountPath, storeVolume } from './artifact-store';

/** A container of ours that runs before the main one: unprivileged, with its cause in the termination message. */
export function initContainer(name: string, image: string, command: readonly string[], stores: readonly IArtifactStore[], readOnly: boolean): V1Container {
  return {
    name: name.replace(/[^a-z0-9-]+/g, '-').slice(0, 63),
    image,
    imagePullPolicy: 'IfNotPresent',
    command: renderCommand(command),
    securityContext: { ...RESTRICTED_CONTAINER },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: distinctStores(stores).map((store) => storeMount(store, readOnly)),
  };
}

/** The mount of a store at its root. */
export function storeMount(store: IArtifactStore, readOnly: boolean): V1VolumeMount {
  return { name: storeVolume(store).name, mountPath: mountPath(store), ...(readOnly && { readOnly }) };
}

/** Stores without repetition; two that differ under one name are an error, since both would be mounted at one path. */
export function distinctStores(stores: readonly IArtifactStore[]): IArtifactStore[] {
  const byName = new Map<string, IArtifactStore>();
  for (const store of stores) {
    const earlier = byName.get(store.storeName) ?? store;
    if (!isDeepStrictEqual(earlier.volumeSource, store.volumeSource)) {
      throw new Error(`two different stores of one pod are called '${store.storeName}', and both would be mounted at ${mountPath(store)}; give one another 'storeName'`);
    }
    byName.set(store.storeName, store);
  }
  return [...byName.values()];
}
