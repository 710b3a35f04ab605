import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';

import { parseAllDocuments } from 'yaml';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { readFolder } from './synthesized-folder';

// Compares what `helm template` printed into a file with the manifests of a folder; Helm sorts by kind.
const [rendered, folder] = process.argv.slice(2);
const key = ({ kind, metadata }: KubernetesObject): string => `${kind} ${metadata.name}`;
const sorted = (objects: readonly KubernetesObject[]): KubernetesObject[] => [...objects].sort((first, second) => key(first) < key(second) ? -1 : 1);

const helm = sorted(parseAllDocuments(readFileSync(rendered!, 'utf8'), { version: '1.1' }).map((document) => document.toJS() as KubernetesObject));
const plain = sorted(Object.values(readFolder(folder!)).flat());
const different = plain.filter((object, index) => !isDeepStrictEqual(object, helm[index]));
if (helm.length !== plain.length || different.length > 0) {
  throw new Error(`Helm renders ${String(helm.length)} objects, ${String(plain.length)} were synthesized; these differ: ${different.map(key).join(', ') || 'none'}`);
}
process.stdout.write(`${String(plain.length)} objects are the same after helm template\n`);
