import type { V1Container, V1Volume, V1VolumeMount } from '@kubernetes/client-node';

import type { ScriptDelivery } from '../script-delivery';
import type { ComposedPod } from './composed-pod';
import { SCRIPTS_PATH } from './scripts';
import { RESTRICTED_CONTAINER } from './security-level';

const SOURCE_PATH = '/scripts-source';
const COPY_RESOURCES = { requests: { cpu: '50m', memory: '32Mi' }, limits: { memory: '128Mi' } };

/**
 * Unpacks the ConfigMaps, whose keys stand for paths with `-` for `/`. Scripts are copied at pod start and not mounted: a pod then keeps
 * the scripts that it started with, and its spec does not name their files, so that a changed script renames no Job.
 */
const UNPACK = `for source in ${SOURCE_PATH}/*/*; do file=${SCRIPTS_PATH}/$(printf %s "\${source##*/}" | tr - /); mkdir -p "\${file%/*}"; cp -L "$source" "$file"; done`;

/** What a pod needs beside itself: the names of the ConfigMaps that hold its scripts, by script, and its files. */
export interface PodConfigMaps {
  readonly scripts: Readonly<Record<string, string>>;
  readonly files: string;
}

/** Gives a composed pod the scripts and files that its containers expect. */
export function mountScriptsAndFiles(pod: ComposedPod, delivery: ScriptDelivery, configMaps: PodConfigMaps): ComposedPod {
  return mountFiles(pod.scripts.length > 0 ? mountScripts(pod, delivery, configMaps.scripts) : pod, configMaps.files);
}

function mountScripts(pod: ComposedPod, delivery: ScriptDelivery, configMaps: PodConfigMaps['scripts']): ComposedPod {
  const [main] = pod.spec.containers as [V1Container];
  const sources: V1Volume[] = Object.entries(configMaps).map(([script, name]) => ({ name: `scripts-${dashed(script)}`, configMap: { name } }));
  const copy = delivery.imageName === undefined
    ? copyContainer(main.image, ['sh', '-ec', UNPACK], sources.map(({ name }) => ({ name, mountPath: `${SOURCE_PATH}/${name}`, readOnly: true })))
    : copyContainer(delivery.imageName, ['cp', '-r', '/container/.', SCRIPTS_PATH], []);
  const volumes: V1Volume[] = [
    ...sources,
    { name: 'scripts', emptyDir: {} },
  ];
  return {
    ...pod,
    spec: {
      ...pod.spec,
      initContainers: [copy, ...(pod.spec.initContainers ?? []).map(withScripts)],
      containers: pod.spec.containers.map(withScripts),
      volumes: [...pod.spec.volumes ?? [], ...volumes],
    },
  };
}

/** A script's name as part of a Kubernetes name. */
export function dashed(script: string): string {
  return script.replace(/_/g, '-');
}

function copyContainer(image: string | undefined, command: string[], mounts: V1VolumeMount[]): V1Container {
  return {
    name: 'copy-scripts',
    image,
    imagePullPolicy: 'IfNotPresent',
    command,
    resources: COPY_RESOURCES,
    securityContext: { ...RESTRICTED_CONTAINER },
    volumeMounts: [...mounts, { name: 'scripts', mountPath: SCRIPTS_PATH }],
  };
}

function withScripts(container: V1Container): V1Container {
  const starts = container.command?.some((word) => word.startsWith(SCRIPTS_PATH)) === true;
  return starts ? { ...container, volumeMounts: [...container.volumeMounts ?? [], { name: 'scripts', mountPath: SCRIPTS_PATH, readOnly: true }] } : container;
}

/** The key of a file in its ConfigMap: different for different paths, since `-` in a path is doubled. */
export function fileKey(path: string): string {
  return path.replace(/^\//, '').replace(/-/g, '--').replace(/\//g, '-');
}

function mountFiles(pod: ComposedPod, configMapName: string): ComposedPod {
  if (pod.files.length === 0) {
    return pod;
  }
  const mounts = pod.files.map(({ path }) => ({ name: 'files', mountPath: path, subPath: fileKey(path), readOnly: true }));
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((container) => ({ ...container, volumeMounts: [...container.volumeMounts ?? [], ...mounts] })),
      volumes: [...pod.spec.volumes ?? [], { name: 'files', configMap: { name: configMapName } }],
    },
  };
}
