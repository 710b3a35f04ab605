// What an ignore list hides, or a link leads to that is not there, is on the machine of whoever made it, and nowhere else.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync } from 'node:fs';

const MADE = /(^|\/)(node_modules|__pycache__|\.[a-z]+_cache|\.hypothesis)\/|^(build|coverage|packages)\/|^(\.jsii|tsconfig\.json|tsconfig\.tsbuildinfo|[^/]+\.tgz)$/;

function files(...options: string[]): string[] {
  return execFileSync('git', ['ls-files', ...options], { encoding: 'utf8', maxBuffer: 2 ** 28 }).split('\n').filter((file) => file !== '');
}

test('no file that somebody wrote is ignored', () => {
  expect(files('--others', '--ignored', '--exclude-standard').filter((file) => !MADE.test(file))).toEqual([]);
});

test('every link leads to something', () => {
  const links = files().filter((file) => lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink());

  expect(links).not.toEqual([]);
  expect(links.filter((link) => !existsSync(link))).toEqual([]);
});
