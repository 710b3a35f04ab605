import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';

import { digest } from '../artifacts/lineage';

/** A file or directory of the node that a container sees at the same path. */
export interface HostPath {
  readonly path: string;
  /** `Directory`, `File`, `CharDevice`, ...: the kubelet refuses the pod when the node has something else. Without it anything goes. */
  readonly type?: string;
  /** @default true */
  readonly readOnly?: boolean;
}

/** Volumes and mounts for paths of the node, each at its own path. */
export function hostPathMounts(paths: readonly HostPath[]): { volumes: V1Volume[]; mounts: V1VolumeMount[] } {
  return {
    volumes: paths.map(({ path, type }) => ({ name: volumeName(path), hostPath: { path, ...(type !== undefined && { type }) } })),
    mounts: paths.map(({ path, readOnly = true }) => ({ name: volumeName(path), mountPath: path, ...(readOnly && { readOnly }) })),
  };
}

/** Readable, and different for different paths. */
function volumeName(path: string): string {
  const readable = `host${path.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.replace(/-+$/, '');
  const isPlain = readable.length <= 63 && /^(\/[a-z0-9]+)+$/.test(path);
  return isPlain ? readable : `${readable.slice(0, 54).replace(/-+$/, '')}-${digest(path, 8)}`;
}
