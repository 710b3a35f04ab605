import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

/** What a workload's pods wait for and write, read from nothing but its manifest. */
export interface Flow {
  readonly object: string;
  readonly manifest: KubernetesObject;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

interface Container {
  readonly command?: readonly unknown[];
  readonly args?: readonly unknown[];
}

/** The flows of all workloads among some manifests. Directories are prefixed by the namespace and the volume that they are on. */
export function flowsOf(manifests: readonly KubernetesObject[]): Flow[] {
  return manifests.filter(({ kind }) => ['Job', 'AscendJob', 'Deployment'].includes(kind)).map((manifest) => {
    const [init, main] = [containersOf(manifest, 'initContainers'), containersOf(manifest, 'containers')];
    const local = (directory: string): string => `${manifest.metadata.namespace ?? ''}:${volumeAt(manifest, directory)}:${directory}`;
    return {
      object: `${manifest.kind}/${manifest.metadata.name}`, manifest,
      reads: init.flatMap((container) => valuesAfter(container, '--artifact')).map(local),
      writes: main.flatMap((container) => ['--output', '--target'].flatMap((flag) => valuesAfter(container, flag))).filter((value) => value.startsWith('/artifacts/')).map(local),
    };
  });
}

/** Pairs of workloads of which the second reads what the first writes. */
export function edgesOf(flows: readonly Flow[]): [producer: Flow, consumer: Flow][] {
  return flows.flatMap((consumer) => flows.filter((producer) => producer !== consumer && producer.writes.some((directory) => consumer.reads.includes(directory)))
    .map((producer): [Flow, Flow] => [producer, consumer]));
}

/** The claims that a workload's pods mount. */
export function claimsOf(manifest: KubernetesObject): string[] {
  return [...JSON.stringify(manifest).matchAll(/"claimName":"([^"]+)"/g)].map((match) => match[1]!);
}

/** The volume that a workload's pods have mounted where a directory is. */
function volumeAt(manifest: KubernetesObject, directory: string): string {
  const mount = itemsOf(manifest, 'volumeMounts').find(({ mountPath }) => directory.startsWith(`${String(mountPath)}/`));
  const { name: _name, ...source } = itemsOf(manifest, 'volumes').find(({ name }) => name === mount?.name) ?? {};
  return JSON.stringify(source).replace(',"readOnly":true', '');
}

function containersOf(value: unknown, key: 'initContainers' | 'containers'): Container[] {
  return itemsOf(value, key);
}

/** The items of every list of that name, however deep. */
function itemsOf(value: unknown, key: string): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => [...name === key ? inner as Record<string, unknown>[] : [], ...itemsOf(inner, key)]);
}

function valuesAfter({ command = [], args = [] }: Container, flag: string): string[] {
  const words = [...command, ...args].map(String);
  return words.flatMap((word, index) => word === flag ? [words[index + 1] ?? ''] : []);
}
