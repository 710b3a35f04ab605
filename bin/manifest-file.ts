import { readdirSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';

import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';

import type { Place } from '../lib/rules/rule';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';

/** An object of a manifest file. */
export interface ManifestObject {
  readonly object: KubernetesObject;
  readonly file: string;
  /** The line, from 1, of a place in the object, or of the nearest one above it that is in the file. */
  readonly lineOf: (place: Place) => number;
}

/** Input that cannot be checked; the message begins with file and line. */
export class UnreadableInput extends Error {}

/** Files that Kustomize reads itself: they have no kind, or one that no cluster knows. */
const KUSTOMIZATION = /^kustomization(\.ya?ml)?$/;
/** `12:30` and dates are numbers and times in YAML 1.1, and strings to Kubernetes, whose reader leaves these out. */
const NOT_IN_KUBERNETES = ['tag:yaml.org,2002:timestamp'];

/**
 * The objects of manifest files, in their order. A directory stands for the YAML and JSON files below it, `-` for standard input.
 *
 * @throws UnreadableInput naming every file and line that cannot be read
 */
export function readManifests(names: readonly string[]): ManifestObject[] {
  const errors: string[] = [];
  const objects = names.flatMap((name) => {
    try {
      return filesOf(name).flatMap((file) => parseManifest(file === '-' ? 'stdin' : file, contentOf(file)));
    } catch (error) {
      errors.push((error as Error).message);
      return [];
    }
  });
  if (errors.length > 0) {
    throw new UnreadableInput(errors.join('\n'));
  }
  return objects;
}

/**
 * The objects of the text of a manifest: all documents, and the items of lists.
 *
 * @throws UnreadableInput if it is no YAML, or holds something else than Kubernetes objects
 */
export function parseManifest(file: string, text: string): ManifestObject[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter: lines, prettyErrors: false, version: '1.1',
    customTags: (tags) => tags.filter((tag) => typeof tag !== 'object' || (!NOT_IN_KUBERNETES.includes(tag.tag) && tag.format !== 'TIME')),
  });
  const errors = [...documents].flatMap((document) => document.errors).map(({ message, pos: [start] }) => `${file}:${String(lines.linePos(start).line)}: ${message}`);
  if (errors.length > 0) {
    throw new UnreadableInput(`${errors.join('\n')}${/\{\{.*\}\}/.test(text) ? `\n${file} looks like a Helm template; render it first: helm template CHART | cdk8s-chatglm validate -` : ''}`);
  }
  return [...documents].flatMap((document) => objectsOf(file, document as Document, lines));
}

function filesOf(name: string): string[] {
  if (name === '-') {
    return [name];
  }
  const status = statSync(name, { throwIfNoEntry: false });
  if (status === undefined) {
    throw new UnreadableInput(`${name}: there is no such file`);
  }
  return status.isDirectory() ? manifestsBelow(name) : [name];
}

/** Deliveries write a folder for each stage; hidden folders and installed packages hold no manifests. */
function manifestsBelow(folder: string): string[] {
  const below = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => !/(^|\/)(\.|node_modules\/)/.test(file));
  return below.filter((file) => /\.(ya?ml|json)$/.test(file) && !KUSTOMIZATION.test(path.basename(file))).sort().map((file) => path.join(folder, file));
}

function contentOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UnreadableInput(`${file}: cannot be read: ${(error as Error).message}`);
  }
}

function objectsOf(file: string, document: Document, lines: LineCounter): ManifestObject[] {
  const value = valueOf(document, `${file}:${String(lines.linePos(offsetOf(document, [])).line)}`);
  if (value === null || KUSTOMIZATION.test(path.basename(file))) {
    return [];
  }
  return flattened(value, []).map(([object, prefix]) => {
    const lineOf = (place: Place): number => lines.linePos(offsetOf(document, [...prefix, ...place])).line;
    return { object: checked(object, `${file}:${String(lineOf([]))}`), file, lineOf };
  }).filter(({ object }) => !object.apiVersion.startsWith('kustomize.config.k8s.io/'));
}

/** Aliases are resolved here only, so one without an anchor, and too many of them, are found here. */
function valueOf(document: Document, where: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new UnreadableInput(`${where}: ${(error as Error).message}`);
  }
}

/** The items of a `List`, or the object itself, and where they stand in the document. */
function flattened(value: unknown, place: Place): [unknown, Place][] {
  const { kind, items } = (typeof value === 'object' && value !== null ? value : {}) as { kind?: unknown; items?: unknown };
  return typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)
    ? items.flatMap((item: unknown, index) => flattened(item, [...place, 'items', index])) : [[value, place]];
}

function checked(value: unknown, where: string): KubernetesObject {
  const { apiVersion, kind, metadata = {} } = (typeof value === 'object' && value !== null ? value : {}) as { apiVersion?: unknown; kind?: unknown; metadata?: unknown };
  const missing = Object.entries({ apiVersion, kind }).filter(([, field]) => typeof field !== 'string').map(([name]) => `'${name}'`);
  if (missing.length > 0) {
    throw new UnreadableInput(`${where}: this is no Kubernetes object: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing or no text`);
  }
  return { ...value as KubernetesObject, metadata: (metadata ?? {}) as KubernetesObject['metadata'] };
}

/** Where the key stands that leads to a place, or to the nearest one above it. */
function offsetOf(document: Document, place: Place): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const key of place) {
    const item = itemAt(node, String(key));
    if (item === undefined) {
      return offset;
    }
    const at = isPair(item) ? item.key : item;
    offset = (at as { range?: readonly number[] }).range?.[0] ?? offset;
    node = isPair(item) ? item.value : item;
  }
  return offset;
}

function itemAt(node: unknown, key: string): unknown {
  if (isMap(node)) {
    return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
  }
  return isSeq(node) ? node.items[Number(key)] : undefined;
}
