import type { V1Container } from '@kubernetes/client-node';

import type { Platform } from '../platform';
import type { PodFragment } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import type { Artifact } from './artifact';
import { storeVolume } from './artifact-store';
import { downloadContainer, sourceStores } from './download';
import { distinctStores, initContainer, storeMount } from './init-container';
import { caVolumes } from './network';

/** The wait inside a pod is a safety net: whoever applies the manifests keeps the order. After this a pod ends and is tried again. */
export const WAIT_SECONDS = 3600;
const WAIT_RESOURCES = { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } };

/**
 * What a pod needs for its artifacts: their stores, mounted at the root and read-only but for the output's, and init containers that
 * download or wait for the inputs.
 *
 * @param image the image of the init containers, which has Python
 */
export function artifactFragment(inputs: readonly Artifact[], output: Artifact | undefined, image: string, platform: Platform): PodFragment {
  const downloads = inputs.flatMap((artifact) => artifact._download === undefined ? [] : [{ artifact, download: artifact._download }]);
  const awaited = inputs.filter((artifact) => artifact.marked && artifact._download === undefined);
  const stores = distinctStores([...inputs, ...(output ? [output] : [])].map(({ store }) => store));
  checkPodLocal(awaited);
  return {
    source: 'artifacts',
    volumes: [...distinctStores([...stores, ...downloads.flatMap(({ artifact, download }) => sourceStores(artifact, download))]).map(storeVolume), ...(downloads.length > 0 ? caVolumes(platform) : [])],
    mounts: stores.map((store) => storeMount(store, store.storeName !== output?.store.storeName)),
    initContainers: [
      ...downloads.map(({ artifact, download }) => downloadContainer(artifact, download, image, platform)),
      ...(awaited.length > 0 ? [waitContainer(awaited, image)] : []),
    ],
    scripts: [...(downloads.length > 0 ? ['fetch_weights'] : []), ...(awaited.length > 0 ? ['wait_for_artifacts'] : [])],
  };
}

/** Waiting would never end for what another pod wrote to a volume that this pod does not see. */
function checkPodLocal(awaited: readonly Artifact[]): void {
  const unseen = awaited.find(({ store }) => store.podLocal === true);
  if (unseen !== undefined) {
    throw new Error(`${unseen.name} is written by another pod, which the store '${unseen.store.storeName}' does not share; use Artifact.downloadedInPod, or a ModelStore`);
  }
}

function waitContainer(awaited: readonly Artifact[], image: string): V1Container {
  const command = ['python3', scriptPath('wait_for_artifacts'), ...awaited.flatMap(({ path }) => ['--artifact', path]), '--timeout', String(WAIT_SECONDS)];
  return { ...initContainer('wait-for-artifacts', image, command, awaited.map(({ store }) => store), true), resources: WAIT_RESOURCES };
}
