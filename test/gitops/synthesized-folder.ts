import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { GlmApp, type GlmAppProps } from 'cdk8s-chatglm';
import { parseAllDocuments } from 'yaml';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

/** The objects of every file of a folder, by the file's path in it. */
export type Folder = Readonly<Record<string, readonly KubernetesObject[]>>;

/** A folder that goes with the test run. */
export function newFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'gitops-'));
}

/** What a program writes. */
export function folderOf(program: (app: GlmApp) => void, props: GlmAppProps = {}): Folder {
  const app = new GlmApp({ outdir: newFolder(), ...props });
  program(app);
  app.synth();
  return readFolder(app.outdir);
}

/** Reads the YAML files of a folder. */
export function readFolder(folder: string): Folder {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml')).sort();
  return Object.fromEntries(files.map((file) => [file, parseAllDocuments(readFileSync(path.join(folder, file), 'utf8'), { version: '1.1' }).map((document) => document.toJS() as KubernetesObject)]));
}

/** `Kind/name` of every object, without the digests of Jobs' names. */
export function names(objects: readonly KubernetesObject[] = []): string[] {
  return objects.map(({ kind, metadata }) => `${kind}/${metadata.name.replace(/-[0-9a-f]{8}$/, '')}`);
}
