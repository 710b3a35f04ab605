import { Yaml } from 'cdk8s';
import * as fc from 'fast-check';

import { manifestText } from '../../../constructs/synthesis/manifest-text';

/** What trips writers of YAML: words of YAML 1.1, numbers of all bases, dates, indicators, blanks around line breaks. */
const TRICKY = [
  '', ' ', 'y', 'N', 'yes', 'No', 'TRUE', 'off', 'null', '~', 'Null', '.inf', '-.INF', '.nan', '0o17', '0755', '0x1F', '1_000', '1e3', 'E0', 'e-5', '12:30', '12:30:45', '1.5', '+1', '-', '?', '- a', '? a', ':', 'a:', ': a', 'a: b',
  '#', 'a #b', 'a#b', '#a', '&a', '*a', '!a', '|', '>', '%', '%a', '@a', '`a', '---', '--- a', '...', '...a', '{', '}', '[a]', 'a, b', '"', '\'', '"a"', 'it\'s', 'it\'s "x"', '\\', '\t', 'a\tb', 'a ', ' a', '2001-01-01', '2001-12-14t21:59:43.10-05:00',
  '\n', '\n\n', 'a\n', 'a\n\n', '\na', '\n\na', ' \na', 'a\n ', 'a \nb', 'a\n b', 'a\n\tb', 'a\n\n\nb\n', ' a\nb', '  a\n b\n\n', '---\na', 'a\n---\n', 'a\n%b', 'a\r\nb', 'a\u0000', 'a\u0085b', '\u2028', '\ud800', 'ü', '模型', 'a\n模型\n', '"\n', '\'\n', '=', '<<', 'a:b', 'a/b:c-1', '/a', 'a'.repeat(300), `${'long line '.repeat(40)}\nb`, 'k'.repeat(1100), '-Infinity', 'Infinity',
  'sha256:0a1b', 'quay.io/ascend/x:8.0', '$(A)', '${B:-c}', '#!/bin/sh\nset -e\n', 'huawei.com/Ascend910', 'NO', 'yEs', 'nan',
];

const text = fc.oneof(fc.constantFrom(...TRICKY), fc.string(), fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('a', ' ', '\n', '#', ':', '-', '"', '\'', '\t', '%', '|'), { maxLength: 12 }).map((parts) => parts.join('')));
const leaf = fc.oneof({ weight: 6, arbitrary: text }, fc.integer(), fc.double(), fc.boolean(), fc.constant(null));
const { document } = fc.letrec<{ document: Record<string, unknown>; value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, withCrossShrink: true }, leaf, fc.array(tie('value'), { maxLength: 4 }), tie('document')),
  document: fc.array(fc.tuple(text.filter((key) => key !== '__proto__'), tie('value')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
}));

const same = (value: unknown): void => { expect(manifestText(value)).toBe(Yaml.stringify(value)); };

test.each(TRICKY.map((value) => [JSON.stringify(value), value]))('%s is the same as a value and a key, at every depth', (_name, value) => {
  same({ a: value, b: [value, [value]], c: { d: { e: value, f: [{ g: value }] } } });
  same({ [value]: 1, a: { [value]: { [value]: [value] } }, b: [{ [value]: 'x' }] });
});

test('random documents are the same bytes as cdk8s\'s', () => {
  fc.assert(fc.property(document, same), { numRuns: 3000 });
});

test('what is no plain JSON is left to cdk8s: shared objects, dates, classes, undefined and roots that are no map', () => {
  const shared = { a: 1 };
  class Point { public constructor(public readonly x: number) {} }

  same({ a: shared, b: shared });
  same({ a: [shared, { b: shared }] });
  same({ a: new Date(0), b: new Map([['c', 1]]), c: new Set([1]), d: new Point(1), e: { toJSON: () => 'json' } });
  same({ a: undefined, b: [undefined] });
  same({ a: 10n, b: -0, c: NaN, d: -Infinity, e: 1e21, f: 5e-324 });
  [undefined, null, 'a: b', 7, [], ['a'], {}].forEach(same);
});

test('usual manifests are not given to cdk8s as a whole', () => {
  const manifest = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { b: 'true' } }, data: { 'run.py': 'import sys\n\nsys.exit(0)\n', 'n': '0755' }, items: [{ a: 1 }, [], {}] };
  const expected = Yaml.stringify(manifest);
  const stringify = jest.spyOn(Yaml, 'stringify');

  expect(manifestText(manifest)).toBe(expected);
  expect(stringify.mock.calls.map(([value]) => Object.keys(value as object))).not.toContainEqual(Object.keys(manifest));
  stringify.mockRestore();
});

test('more text than the cache holds', () => {
  const texts = Array.from({ length: 40 }, (_, index) => `${String(index)}\n`.repeat(200_000));

  texts.forEach((long) => { expect(manifestText({ a: { b: long } })).toBe(Yaml.stringify({ a: { b: long } })); });
});
