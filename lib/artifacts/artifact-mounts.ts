import { isDeepStrictEqual } from 'node:util';

import type { V1Container, V1VolumeMount } from '@kubernetes/client-node';

import type { Platform } from '../platform';
import { renderCommand, renderEnv } from '../pods/env';
import { mergeClaims } from '../pods/merge';
import type { EnvEntry, PodFragment } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import { RESTRICTED_CONTAINER } from '../pods/security-level';
import type { Artifact, ArtifactDownload } from './artifact';
import type { TokenReference } from './weight-source';
import { type IArtifactStore, mountPath, storeVolume } from './artifact-store';

/** What a download asks for: it hashes and writes, and keeps little in memory. */
const DOWNLOAD_RESOURCES = { requests: { cpu: '1', memory: '256Mi' }, limits: { memory: '1Gi' } };
const WAIT_RESOURCES = { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } };

/** Room for slow mirrors: a download may take three times what the assumed rate promises, and an hour beside that. */
const DEADLINE_FACTOR = 3;
const DEADLINE_SLACK_SECONDS = 3600;

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
    volumes: [...stores.map(storeVolume), ...(downloads.length > 0 ? caVolumes(platform) : [])],
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

function storeMount(store: IArtifactStore, readOnly: boolean): V1VolumeMount {
  return { name: storeVolume(store).name, mountPath: mountPath(store), ...(readOnly && { readOnly }) };
}

/** Seconds that an artifact's download may take. */
export function downloadDeadline(bytes: number, platform: Platform): number {
  const rate = (platform.props.downloadRate?.toKibibytes() ?? 10 * 1024) * 1024;
  return Math.ceil(DEADLINE_FACTOR * bytes / rate) + DEADLINE_SLACK_SECONDS;
}

/** The command that downloads an artifact. */
export function downloadCommand(artifact: Artifact, download: ArtifactDownload, platform: Platform): string[] {
  const { huggingFaceEndpoint, modelScopeEndpoint, caBundle } = platform.props;
  const endpoints = { huggingface: huggingFaceEndpoint ?? 'https://huggingface.co', modelscope: modelScopeEndpoint ?? 'https://modelscope.cn' };
  return [
    'python3', scriptPath('fetch_weights'), '--target', artifact.path, '--name', artifact.name, '--lineage', artifact.lineage,
    '--format', artifact.format.name, ...download.sources.flatMap((source) => ['--source', source._argument(endpoints)]),
    ...download.include.flatMap((pattern) => ['--include', pattern]),
    ...download.exclude.flatMap((pattern) => ['--exclude', pattern]),
    ...download.require.flatMap((pattern) => ['--require', pattern]),
    '--deadline', String(downloadDeadline(download.bytes, platform)),
    ...(caBundle !== undefined ? ['--ca-bundle', `${CA_PATH}/${caBundle.key ?? 'ca.crt'}`] : []),
  ];
}

/** Environment, volumes and mounts that reach the network on a platform: proxy, token, private CA. */
export function downloadFragment(download: ArtifactDownload, platform: Platform): PodFragment {
  return {
    source: 'download',
    env: downloadEnv(download, platform),
    volumes: caVolumes(platform),
    mounts: caMounts(platform),
    scripts: ['fetch_weights'],
    requests: DOWNLOAD_RESOURCES.requests,
    limits: DOWNLOAD_RESOURCES.limits,
  };
}

const CA_PATH = '/etc/cdk8s-chatglm/ca';

function caVolumes(platform: Platform): { name: string; configMap: { name: string } }[] {
  const { caBundle } = platform.props;
  return caBundle === undefined ? [] : [{ name: 'ca-bundle', configMap: { name: caBundle.configMapName } }];
}

function caMounts(platform: Platform): { name: string; mountPath: string; readOnly: boolean }[] {
  return caVolumes(platform).map(({ name }) => ({ name, mountPath: CA_PATH, readOnly: true }));
}

function downloadEnv({ sources }: ArtifactDownload, platform: Platform): EnvEntry[] {
  const { httpProxy, httpsProxy, noProxy = [] } = platform.props;
  const proxied = httpProxy !== undefined || httpsProxy !== undefined;
  return [
    ...tokenEnv(sources.flatMap(({ _tokens }) => _tokens)),
    ...(httpProxy === undefined ? [] : [{ name: 'HTTP_PROXY', value: httpProxy }]),
    ...(httpsProxy === undefined ? [] : [{ name: 'HTTPS_PROXY', value: httpsProxy }]),
    ...(proxied ? [{ name: 'NO_PROXY', value: [...noProxy, 'localhost', '127.0.0.1', '.svc', '.cluster.local'].join(',') }] : []),
  ];
}

/** Sources of one kind share the variable of their token, so they must share the token. */
function tokenEnv(tokens: readonly TokenReference[]): EnvEntry[] {
  const claims = tokens.map(({ env, secretName, key }) => ({ key: env, source: `the secret '${secretName}'`, value: { secretKeyRef: { name: secretName, key } } }));
  return [...mergeClaims('token', [claims])].map(([name, { value }]) => ({ name, valueFrom: value }));
}

function downloadContainer(artifact: Artifact, download: ArtifactDownload, image: string, platform: Platform): V1Container {
  const env = renderEnv(downloadEnv(download, platform));
  return {
    ...initContainer(`download-${artifact.name}`, image, downloadCommand(artifact, download, platform), [artifact.store], false),
    ...(env.length > 0 && { env }),
    resources: DOWNLOAD_RESOURCES,
    volumeMounts: [storeMount(artifact.store, false), ...caMounts(platform)],
  };
}

function waitContainer(awaited: readonly Artifact[], image: string): V1Container {
  const command = ['python3', scriptPath('wait_for_artifacts'), ...awaited.flatMap(({ path }) => ['--artifact', path]), '--timeout', String(DEADLINE_SLACK_SECONDS)];
  return { ...initContainer('wait-for-artifacts', image, command, awaited.map(({ store }) => store), true), resources: WAIT_RESOURCES };
}

function initContainer(name: string, image: string, command: readonly string[], stores: readonly IArtifactStore[], readOnly: boolean): V1Container {
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

function distinctStores(stores: readonly IArtifactStore[]): IArtifactStore[] {
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
