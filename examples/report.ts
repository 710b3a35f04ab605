import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

import { parseAllDocuments } from 'yaml';

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly replicas?: number; readonly completions?: number; readonly tasks?: readonly { readonly replicas?: number }[]; readonly replicaSpecs?: { readonly Worker?: { readonly replicas?: number } } };
}

/** Resources of vendors' device plugins. */
const DEVICE = /^"?((huawei|cambricon)\.com|squat\.ai)\//;

/** Prints every workload in a folder of manifests: file, kind, name and the devices that it asks for. */
export function report(directory: string): string {
  const rows = readdirSync(directory).filter((file) => file.endsWith('.k8s.yaml')).sort().flatMap((file) => manifests(path.join(directory, file))
    .filter(({ kind }) => /^(Deployment|Job|AscendJob)$/.test(kind))
    .map((manifest) => [path.join(path.basename(directory), file), kind(manifest), manifest.metadata.name, devices(manifest)]));
  const table = [['FILE', 'KIND', 'NAME', 'DEVICES'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd()).join('\n');
}

function manifests(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8'), { version: '1.1' }).map((document) => document.toJS() as Manifest);
}

/** Kubernetes' own Job and Volcano's have one name. */
function kind({ apiVersion, kind: name }: Manifest): string {
  return apiVersion.startsWith('batch.volcano.sh/') ? `Volcano ${name}` : name;
}

/** Pods that ask for devices; an autoscaler's number is not known here. */
function pods({ spec: { replicas, completions, tasks, replicaSpecs } = {} }: Manifest): number {
  return replicas ?? completions ?? tasks?.[0]?.replicas ?? replicaSpecs?.Worker?.replicas ?? 1;
}

function devices(manifest: Manifest): string {
  const found = new Set<string>();
  JSON.stringify(manifest, (key, value: unknown) => {
    if (DEVICE.test(key) && typeof value === 'number') {
      found.add(`${key}: ${String(value)}`);
    }
    return value;
  });
  const count = pods(manifest);
  return found.size === 0 ? 'none' : `${count === 1 ? '' : `${String(count)} x `}${[...found].join(', ')}`;
}

if (require.main === module) {
  console.log(report(path.join(__dirname, '..', 'dist')));
}
