import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { parseAllDocuments } from 'yaml';

const ROOT = path.join(__dirname, '..');
const GOLDEN = path.join(ROOT, 'dist');
const TSX = path.join(ROOT, 'node_modules', '.bin', 'tsx');

const folders = readdirSync(path.join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  .filter((name) => !existsSync(path.join(ROOT, 'examples', name, 'package.json'))).sort();
const golden = readdirSync(GOLDEN).filter((file) => file.endsWith('.k8s.yaml')).sort();

/** Runs all examples as `npm run synth` does, and gives the files that they wrote. */
async function synthesizedFiles(): Promise<Record<string, string>> {
  const outdir = mkdtempSync(path.join(tmpdir(), 'examples-'));
  try {
    await finished(outdir);
    return Object.fromEntries(readdirSync(outdir).sort().map((file) => [file, readFileSync(path.join(outdir, file), 'utf8')]));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function finished(outdir: string): Promise<void> {
  const child = spawn(TSX, ['--tsconfig', 'tsconfig.dev.json', 'examples/main.ts'], { cwd: ROOT, env: { ...process.env, CDK8S_OUTDIR: outdir }, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => { errors += chunk.toString(); });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => { if (code === 0) { resolve(); } else { reject(new Error(`the examples ended with ${String(code)}: ${errors}`)); } });
  });
}

let first: Record<string, string>;
let second: Record<string, string>;

beforeAll(async () => { [first, second] = await Promise.all([synthesizedFiles(), synthesizedFiles()]); }, 60_000);

test('dist holds what the folders write, and nothing else', () => {
  expect(golden.length).toBeGreaterThanOrEqual(folders.length);
  expect(Object.keys(first)).toEqual(golden);
});

test('two runs give the same bytes', () => {
  expect(second).toEqual(first);
});

describe.each(golden)('%s', (file) => {
  test('is what dist holds', () => {
    const committed = readFileSync(path.join(GOLDEN, file), 'utf8');
    if (first[file] !== committed) {
      throw new Error(`dist/${file} differs ${whereDiffering(committed, first[file] ?? '')}; run npm run synth and review the diff`);
    }
  });

  test('is YAML that parsers agree on, with a name and a namespace for every object', () => {
    const documents = parseAllDocuments(first[file]!, { strict: true, uniqueKeys: true });
    const objects = documents.map((document) => document.toJS() as { kind: string; metadata: { name: string; namespace: string } });

    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(objects.filter(({ kind, metadata }) => !kind || !metadata.name || !metadata.namespace)).toEqual([]);
    expect(new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).size).toBe(objects.length);
  });

  test('holds no secret', () => {
    const objects = parseAllDocuments(first[file]!).map((document) => document.toJS() as { kind: string });

    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    expect(objects.flatMap(plainSecrets)).toEqual([]);
  });
});

/** Variables whose name says that they are secret and whose value stands there, and texts that look like tokens or carry a password. */
function plainSecrets(value: unknown): string[] {
  if (typeof value === 'string') {
    return /\bhf_[A-Za-z0-9]{20,}|\bgh[pousr]_[A-Za-z0-9]{30,}|:\/\/[^/\s:@'"{}]+:[^/\s:@'"{}]+@|-----BEGIN [A-Z ]*PRIVATE KEY/.test(value) ? [value] : [];
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const { name, value: literal } = value as { name?: unknown; value?: unknown };
  const named = typeof name === 'string' && typeof literal === 'string' && /TOKEN|PASSWORD|SECRET|CREDENTIAL|_KEY$/i.test(name) ? [name] : [];
  return [...named, ...Object.values(value).flatMap(plainSecrets)];
}

function whereDiffering(committed: string, made: string): string {
  const [old, now] = [committed.split('\n'), made.split('\n')];
  const line = now.findIndex((text, index) => text !== old[index]);
  return line === -1 ? `at its end, after line ${String(now.length)}` : `from line ${String(line + 1)} on: '${old[line] ?? ''}' became '${now[line]!}'`;
}
