import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

const ROOT = path.join(__dirname, '../..');
/** Commits and SHA-256 sums: 40 or 64 hexadecimal digits in a row. */
const HASH = /(?<![0-9a-f])(?:[0-9a-f]{40}|[0-9a-f]{64})(?![0-9a-f])/i;

function typeScriptFiles(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((file) => path.join(folder, file));
}

/** Places with a hash that no comment on its line, or on the line above, gives the source of. */
function unsourced(text: string): number[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const comments = [line, lines[index - 1] ?? ''].map((candidate) => /(?:\/\/|\*).*/.exec(candidate)?.[0] ?? '');
    return HASH.test(line) && !comments.some((comment) => comment.includes('source:')) ? [index + 1] : [];
  });
}

test('every commit and checksum says where it comes from', () => {
  const files = ['lib', 'constructs', 'examples'].flatMap(typeScriptFiles);

  expect(files.length).toBeGreaterThan(60);
  expect(files.flatMap((file) => unsourced(readFileSync(path.join(ROOT, file), 'utf8')).map((line) => `${file}:${String(line)}`))).toEqual([]);
});

test.each([
  [`const a = '${'a'.repeat(40)}';`, [1]],
  [`const a = '${'a'.repeat(64)}'; // source: the vendor's page`, []],
  [`// source: the vendor's page\nconst a = '${'0'.repeat(40)}';`, []],
  [`// source: the vendor's page\n\nconst a = '${'0'.repeat(40)}';`, [3]],
  [`const a = 'source: ${'0'.repeat(40)}';`, [1]],
  [`const a = '${'a'.repeat(39)}' + '${'b'.repeat(63)}';`, []],
])('the search itself finds what it should: %#', (text, lines) => {
  expect(unsourced(text)).toEqual(lines);
});
