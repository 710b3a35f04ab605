import { Yaml } from 'cdk8s';

/** Strings that every YAML parser reads as they stand: words, paths and images, but no number, no boolean of YAML 1.1 and no date. */
const PLAIN = /^(?![yYnN]$)(?!(?:yes|no|true|false|on|off|null|e-?\d+)$)[A-Za-z/][A-Za-z0-9_./-]*(?::[A-Za-z0-9_./-]+)*$/i;

/** Keys that stand differently at the root of a document, or mean something to YAML. */
const UNUSUAL_KEY = /^$|^<<$|^(%|---|\.\.\.)|\n|^.{500}/;

/** A fleet has few different texts of many lines, and many names that come once. In characters. */
const MAXIMUM_CACHED = 8 * 2 ** 20;

const scalars = new Map<string, string>();
let cachedCharacters = 0;

/** Thrown where a document has something that this does not write itself. */
class Unusual extends Error {}

/**
 * The YAML text of one manifest, byte for byte what cdk8s writes, several times faster: structure is written here, while the quoting of all but the
 * simplest strings is asked from cdk8s once for each of them.
 */
export function manifestText(manifest: unknown): string {
  if (!agrees()) {
    return Yaml.stringify(manifest);
  }
  try {
    const seen = new Set<object>();
    return isObject(manifest) && !Array.isArray(manifest) && Object.keys(manifest).length > 0 ? `${block(manifest, '', seen)}\n` : Yaml.stringify(manifest);
  } catch (error) {
    if (error instanceof Unusual) {
      return Yaml.stringify(manifest);
    }
    throw error;
  }
}

/** A map or list, from the column after `indent` on; its first line has no indent. */
function block(value: object, indent: string, seen: Set<object>): string {
  if (seen.has(value) || (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)) {
    throw new Unusual();
  }
  seen.add(value);
  const lines = Array.isArray(value)
    ? Array.from(value as unknown[], (item) => `- ${isFilled(item) ? block(item, `${indent}  `, seen) : scalar(item, indent)}`)
    : Object.entries(value).map(([key, item]: [string, unknown]) => pair(key, item, indent, seen));
  return lines.join(`\n${indent}`);
}

function pair(key: string, value: unknown, indent: string, seen: Set<object>): string {
  const inner = `${indent}  `;
  return isFilled(value) ? `${keyText(key)}:\n${inner}${block(value, inner, seen)}` : `${keyText(key)}: ${scalar(value, indent)}`;
}

/** What follows `key: ` or `- ` in a collection at an indent. */
function scalar(value: unknown, indent: string): string {
  switch (typeof value) {
    case 'string':
      return PLAIN.test(value) ? value : quoted(value, indent);
    case 'boolean':
      return String(value);
    case 'number':
      return numberText(value);
    default:
      return emptyText(value);
  }
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) {
    throw new Unusual();
  }
  return JSON.stringify(value);
}

function emptyText(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return '[]';
  }
  if (isObject(value) && Object.getPrototypeOf(value) === Object.prototype) {
    return '{}';
  }
  throw new Unusual();
}

/** Asks cdk8s for the text at the root of a document, and moves it to its place. */
function quoted(value: string, indent: string): string {
  const text = cached(`v${value}`, () => Yaml.stringify({ k: value }).slice('k: '.length, -1));
  return indent === '' || !text.includes('\n') ? text : cached(`${indent}v${value}`, () => text.replace(/\n(?!\n|$)/g, `\n${indent}`));
}

function keyText(key: string): string {
  if (UNUSUAL_KEY.test(key)) {
    throw new Unusual();
  }
  if (PLAIN.test(key)) {
    return key;
  }
  return cached(`k${key}`, () => Yaml.stringify({ [key]: 0 }).slice(0, -': 0\n'.length));
}

function cached(key: string, make: () => string): string {
  const known = scalars.get(key);
  if (known !== undefined) {
    return known;
  }
  const made = make();
  cachedCharacters += key.length + made.length;
  if (cachedCharacters > MAXIMUM_CACHED) {
    scalars.clear();
    cachedCharacters = key.length + made.length;
  }
  scalars.set(key, made);
  return made;
}

function isFilled(value: unknown): value is object {
  return isObject(value) && (Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0 || Object.getPrototypeOf(value) !== Object.prototype);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

let agreement: boolean | undefined;

/** A later cdk8s may lay out its YAML differently; then it writes everything itself. */
function agrees(): boolean {
  if (agreement === undefined) {
    const probe = { map: { list: ['a', ['b', { c: 1 }], { d: true, e: [{ f: 'x y' }] }], 'a/b': 'on', empty: {}, none: [] }, 'text': { of: 'two\n  lines\n\n' }, last: null };
    agreement = true;
    agreement = manifestText(probe) === Yaml.stringify(probe);
  }
  return agreement;
}
