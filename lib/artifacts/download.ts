import type { V1Container } from '@kubernetes/client-node';

import type { Platform } from '../platform';
import { renderEnv } from '../pods/env';
import type { PodFragment } from '../pods/pod-fragment';
import { scriptPath } from '../pods/scripts';
import type { Artifact, ArtifactDownload } from './artifact';
import { type IArtifactStore, storeVolume } from './artifact-store';
import { distinctStores, initContainer, storeMount } from './init-container';
import { caArguments, caMounts, caVolumes, networkEnv } from './network';
import type { TokenReference } from './weight-source';

/** What a download asks for: it hashes and writes, and keeps little in memory. */
const DOWNLOAD_RESOURCES = { requests: { cpu: '1', memory: '256Mi' }, limits: { memory: '1Gi' } };

/** Room for slow mirrors: a download may take three times what the assumed rate promises, and an hour beside that. */
const DEADLINE_FACTOR = 3;
const DEADLINE_SLACK_SECONDS = 3600;

/** Seconds that an artifact's download may take. */
export function downloadDeadline({ bytes, tuning = {} }: Pick<ArtifactDownload, 'bytes' | 'tuning'>, platform: Platform): number {
  const promised = platform.props.downloadRate?.toKibibytes() ?? 10 * 1024;
  const rate = Math.min(promised, tuning.rateLimit?.toKibibytes() ?? Infinity) * 1024;
  return Math.ceil(DEADLINE_FACTOR * bytes / rate) + DEADLINE_SLACK_SECONDS;
}

/** The command that downloads an artifact. */
export function downloadCommand(artifact: Artifact, download: ArtifactDownload, platform: Platform): string[] {
  const { huggingFaceEndpoint, modelScopeEndpoint } = platform.props;
  const endpoints = { huggingface: huggingFaceEndpoint ?? 'https://huggingface.co', modelscope: modelScopeEndpoint ?? 'https://modelscope.cn' };
  return [
    'python3', scriptPath('fetch_weights'), '--target', artifact.path, '--name', artifact.name, '--lineage', artifact.lineage,
    '--format', artifact.format.name, ...download.sources.flatMap((source) => ['--source', source._argument(endpoints)]),
    ...download.include.flatMap((pattern) => ['--include', pattern]),
    ...download.exclude.flatMap((pattern) => ['--exclude', pattern]),
    ...download.require.flatMap((pattern) => ['--require', pattern]),
    '--deadline', String(downloadDeadline(download, platform)),
    ...tuningArguments(download),
    ...caArguments(platform),
  ];
}

/** Environment, volumes and mounts that reach the network on a platform: proxy, token, private CA. */
export function downloadFragment(artifact: Artifact, download: ArtifactDownload, platform: Platform): PodFragment {
  return {
    source: 'download',
    env: networkEnv(tokensOf(download), platform),
    volumes: [...caVolumes(platform), ...sourceStores(artifact, download).map(storeVolume)],
    mounts: [...caMounts(platform), ...sourceStores(artifact, download).map((store) => storeMount(store, true))],
    scripts: ['fetch_weights'],
    requests: DOWNLOAD_RESOURCES.requests,
    limits: DOWNLOAD_RESOURCES.limits,
  };
}

/** An init container that downloads an artifact unless it is complete. */
export function downloadContainer(artifact: Artifact, download: ArtifactDownload, image: string, platform: Platform): V1Container {
  const env = renderEnv(networkEnv(tokensOf(download), platform));
  return {
    ...initContainer(`download-${artifact.name}`, image, downloadCommand(artifact, download, platform), [artifact.store], false),
    ...(env.length > 0 && { env }),
    resources: DOWNLOAD_RESOURCES,
    volumeMounts: [storeMount(artifact.store, false), ...sourceStores(artifact, download).map((store) => storeMount(store, true)), ...caMounts(platform)],
  };
}

/** Stores that are only read from: one that is written as well has its mount already. */
export function sourceStores({ store }: Artifact, { sources }: ArtifactDownload): IArtifactStore[] {
  return distinctStores([store, ...sources.flatMap(({ _store }) => _store ?? [])]).filter(({ storeName }) => storeName !== store.storeName);
}

function tokensOf({ sources }: ArtifactDownload): TokenReference[] {
  return sources.flatMap(({ _tokens }) => [..._tokens]);
}

function tuningArguments({ tuning = {} }: ArtifactDownload): string[] {
  const { connections, rateLimit, verify, jsonProgress } = tuning;
  return [
    ...(connections === undefined ? [] : ['--connections', String(connections)]),
    ...(rateLimit === undefined ? [] : ['--rate-limit', String(rateLimit.toKibibytes() * 1024)]),
    ...(verify === true ? ['--verify'] : []),
    ...(jsonProgress === true ? ['--progress', 'json'] : []),
  ];
}
