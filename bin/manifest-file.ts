import { isUtf8 } from 'node:buffer';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';

import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type YAMLError } from 'yaml';

import type { Place } from '../lib/rules/fault';
import { listedObjects } from '../lib/rules/listed-objects';
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
/** `12:30` and dates are numbers and times in YAML 1.1, and strings to Kubernetes, whose reader leaves these out; to it the rest are strings, lists and maps as well. */
const NOT_IN_KUBERNETES = ['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`);
/** What all aliases of a document may stand for together: one that multiplies more than this is made to fill the memory. */
const MOST_ALIASED = 10_000;

/**
 * The objects of manifest files, in their order. A directory stands for the YAML and JSON files below it, `-` for standard input.
 *
 * @throws UnreadableInput naming every file and line that cannot be read
 */
export function readManifests(names: readonly string[]): ManifestObject[] {
  const errors: string[] = [];
  const orNothing = <T>(read: () => T[]): T[] => {
    try {
      return read();
    } catch (error) {
      errors.push((error as Error).message);
      return [];
    }
  };
  const objects = names.flatMap((name) => orNothing(() => filesOf(name))).flatMap((file) => orNothing(() => parseManifest(file === '-' ? 'stdin' : file, contentOf(file))));
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
    lineCounter: lines, prettyErrors: false, version: '1.1', logLevel: 'error',
    customTags: (tags) => tags.filter((tag) => typeof tag !== 'object' || (!NOT_IN_KUBERNETES.includes(tag.tag) && tag.format !== 'TIME')),
  });
  const errors = firstOfEachLine([...documents].flatMap((document) => document.errors), lines).map(([line, message]) => `${file}:${String(line)}: ${message}`);
  if (errors.length > 0) {
    throw new UnreadableInput(`${errors.join('\n')}${/\{\{.*\}\}/.test(text) ? `\n${file} looks like a Helm template; render it first: helm template CHART | cdk8s-chatglm validate -` : ''}`);
  }
  refuseBrokenAliases(file, text, [...documents] as Document[], lines);
  return [...documents].flatMap((document) => objectsOf(file, document as Document, lines));
}

/** What follows on the same line is mostly a consequence. */
function firstOfEachLine(errors: readonly YAMLError[], lines: LineCounter): [number, string][] {
  return [...new Map([...errors].reverse().map(({ message, pos: [start] }): [number, string] => [lines.linePos(start).line, message]))].reverse();
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
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
  const below = entries.map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name))).filter((file) => /\.(ya?ml|json)$/.test(file) && !/(^|\/)(\.|node_modules\/)/.test(file));
  if (below.length === 0) {
    throw new UnreadableInput(`${folder}: there are no YAML or JSON files below`);
  }
  return below.filter((file) => !KUSTOMIZATION.test(path.basename(file))).sort().map((file) => path.join(folder, file));
}

function contentOf(file: string): string {
  const bytes = bytesOf(file);
  if (!isUtf8(bytes)) {
    const line = bytes.toString('latin1').split('\n').findIndex((text) => !isUtf8(Buffer.from(text, 'latin1'))) + 1;
    throw new UnreadableInput(`${file === '-' ? 'stdin' : file}:${String(line)}: this is no UTF-8`);
  }
  return bytes.toString();
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new UnreadableInput(`${file}: cannot be read: ${(error as Error).message}`);
  }
}

function objectsOf(file: string, document: Document, lines: LineCounter): ManifestObject[] {
  const value = valueOf(document, `${file}:${String(lines.linePos(offsetOf(document, [])).line)}`);
  if (value === null || KUSTOMIZATION.test(path.basename(file))) {
    return [];
  }
  return listedObjects(value).map(([object, prefix]) => {
    const lineOf = (place: Place): number => lines.linePos(offsetOf(document, [...prefix, ...place])).line;
    return { object: checked(object, `${file}:${String(lineOf([]))}`), file, lineOf };
  }).filter(({ object }) => !object.apiVersion.startsWith('kustomize.config.k8s.io/'));
}

/** Most files have no aliases, and looking for them takes time. */
function refuseBrokenAliases(file: string, text: string, documents: readonly Document[], lines: LineCounter): void {
  const broken = text.includes('*') ? documents.flatMap((document) => brokenAlias(document) ?? []) : [];
  if (broken.length > 0) {
    throw new UnreadableInput(broken.map(({ offset, message }) => `${file}:${String(lines.linePos(offset).line)}: ${message}`).join('\n'));
  }
}

/** An alias of an anchor that is not there, or that it stands inside of. */
function brokenAlias(document: Document): { readonly offset: number; readonly message: string } | undefined {
  const anchors = new Map<string, unknown>();
  let broken: { readonly offset: number; readonly message: string } | undefined;
  visit(document, (_, node, above) => {
    if (isAlias(node)) {
      const anchored = anchors.get(node.source);
      const message = anchored === undefined ? `there is no anchor '${node.source}' before this alias` : (above as unknown[]).includes(anchored) ? `the anchor '${node.source}' contains itself` : undefined;
      broken ??= message === undefined ? undefined : { offset: node.range?.[0] ?? 0, message };
    } else if (isNode(node) && node.anchor !== undefined) {
      anchors.set(node.anchor, node);
    }
    return broken === undefined ? undefined : visit.BREAK;
  });
  return broken;
}

/** Aliases are resolved here only, so what is wrong with them is found here. */
function valueOf(document: Document, where: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASED });
  } catch (error) {
    throw new UnreadableInput(`${where}: ${(error as Error).message}`);
  }
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
