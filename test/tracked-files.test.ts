// What an ignore list hides is on the machine of whoever made it, and nowhere else.
import { execFileSync } from 'node:child_process';

const MADE = /(^|\/)(node_modules|__pycache__|\.[a-z]+_cache|\.hypothesis)\/|^(build|coverage|packages)\/|^(\.jsii|tsconfig\.json|tsconfig\.tsbuildinfo|[^/]+\.tgz)$/;

test('no file that somebody wrote is ignored', () => {
  const ignored = execFileSync('git', ['ls-files', '--others', '--ignored', '--exclude-standard'], { encoding: 'utf8', maxBuffer: 2 ** 28 }).split('\n');

  expect(ignored.filter((file) => file !== '' && !MADE.test(file))).toEqual([]);
});
