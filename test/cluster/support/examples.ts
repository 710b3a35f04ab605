import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { type Manifest, parse } from './manifest';

const DIST = process.env.MANIFESTS ?? path.join(__dirname, '..', '..', '..', 'dist');

/** Whether the manifests are a user's own: the folder that MANIFESTS names. */
export const OWN_MANIFESTS = process.env.MANIFESTS !== undefined;

/** What every example synthesized to, by the name of its chart. */
export function examples(): Map<string, Manifest[]> {
  const files = existsSync(DIST) ? readdirSync(DIST).filter((file) => file.endsWith('.k8s.yaml')).sort() : [];
  if (files.length === 0) {
    throw new Error(`${DIST} holds no *.k8s.yaml: run npm run synth first, or set MANIFESTS to a folder of manifests`);
  }
  return new Map(files.map((file) => [file.replace('.k8s.yaml', ''), parse(readFileSync(path.join(DIST, file), 'utf8'))]));
}

/** One of them. */
export function example(name: string): Manifest[] {
  const found = examples().get(name);
  if (found === undefined) {
    throw new Error(`there is no example ${name}`);
  }
  return found;
}
