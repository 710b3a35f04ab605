import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/** A file of `container/`: its path there, with `/`, and its text. */
export interface ScriptFile {
  readonly path: string;
  readonly text: string;
}

/** ConfigMaps hold at most 1 MiB, and etcd and reviewers suffer long before. */
const MAXIMUM_BYTES = 200 * 1024;

const cache = new Map<string, readonly ScriptFile[]>();

let directory: string | undefined;
const folders = new Map<string, ReadonlySet<string>>();

/**
 * The files that a script needs: its entry file and all modules of `container/` that it imports, however deep.
 *
 * @param name its file name without the ending, e.g. `fetch_weights`
 * @throws if the script does not exist, or its files exceed 200 KiB together
 */
export function scriptFiles(name: string): readonly ScriptFile[] {
  const files = cache.get(name) ?? collectFiles(name);
  cache.set(name, files);
  return files;
}

function collectFiles(script: string): ScriptFile[] {
  const found = new Map<string, string>();
  const pending = [entryFile(script)];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (!found.has(file)) {
      const text = readFileSync(path.join(containerDirectory(), file), 'utf8');
      found.set(file, text);
      pending.push(...importedFiles(file, text));
    }
  }
  const files = [...found].map(([name, text]) => ({ path: name, text })).sort((a, b) => a.path < b.path ? -1 : 1);
  checkSize(script, files);
  return files;
}

/** ConfigMap keys cannot hold `/`; Python's file names hold no `-`. */
export function configMapKey(file: ScriptFile): string {
  return file.path.replace(/\//g, '-');
}

/** The folder `container/` beside this package's `package.json`, whether this runs compiled or from source. */
export function containerDirectory(): string {
  directory ??= path.join(packageDirectory(__dirname), 'container');
  return directory;
}

function packageDirectory(below: string): string {
  if (existsSync(path.join(below, 'container', 'pod'))) {
    return below;
  }
  const parent = path.dirname(below);
  if (parent === below) {
    throw new Error(`the folder 'container' of cdk8s-chatglm was not found above ${__dirname}; the package is incomplete, install it again`);
  }
  return packageDirectory(parent);
}

/** Whether there is a file or folder in `container/`. Scripts are looked for by many names that are none, so each folder is read once. */
function exists(file: string): boolean {
  const folder = path.posix.dirname(file);
  return (folder === '.' || exists(folder)) && namesIn(folder).has(path.posix.basename(file));
}

function namesIn(folder: string): ReadonlySet<string> {
  const names = folders.get(folder) ?? new Set(readdirSync(path.join(containerDirectory(), folder)));
  folders.set(folder, names);
  return names;
}

function entryFile(name: string): string {
  const file = ['.py', '.sh'].map((ending) => `${name}${ending}`).find(exists);
  if (file === undefined) {
    throw new Error(`there is no script '${name}' in ${containerDirectory()}`);
  }
  return file;
}

/** Follows `import a.b` and `from a.b import c`, at the top level or indented; names that are no files of ours belong to Python. */
function importedFiles(file: string, text: string): string[] {
  if (!file.endsWith('.py')) {
    return [];
  }
  const plain = [...text.matchAll(/^\s*import\s+([\w., ]+)/gm)].flatMap((match) => (match[1]!).split(',')).map((name) => name.trim().split(' ')[0]!);
  const from = [...text.matchAll(/^\s*from\s+([\w.]+)\s+import\s+(\([^)]*\)|[^\n]+)/gm)].flatMap((match) => {
    const module = match[1]!;
    const names = (match[2]!).replace(/#[^\n]*|[()]/g, '').split(',').map((name) => name.trim().split(/\s+/)[0]!);
    return [module, ...names.map((name) => `${module}.${name}`)];
  });
  return [...new Set([...plain, ...from])].flatMap(moduleFiles);
}

/** The files of one module: itself and the `__init__.py` of every package above it. */
function moduleFiles(module: string): string[] {
  const parts = module.split('.');
  const initials = parts.map((_, index) => [...parts.slice(0, index + 1), '__init__.py'].join('/'));
  return [...initials, `${parts.join('/')}.py`].filter(exists);
}

function checkSize(script: string, files: readonly ScriptFile[]): void {
  const bytes = files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (bytes > MAXIMUM_BYTES) {
    throw new Error(`the files of the script '${script}' have ${String(Math.ceil(bytes / 1024))} KiB, more than the 200 KiB of a ConfigMap; use ScriptDelivery.image`);
  }
}

/** Every script of `container/`, by name. */
export function allScripts(): string[] {
  return [...namesIn('.')].filter((file) => /\.(py|sh)$/.test(file)).map((file) => file.replace(/\.(py|sh)$/, '')).sort();
}
