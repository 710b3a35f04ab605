import { isDeepStrictEqual } from 'node:util';

import * as fc from 'fast-check';

import { digest, lineage, type LineageValue } from '../../../lib/artifacts/lineage';

/** Plain data of any shape, without `undefined`. */
const { value } = fc.letrec<{ value: LineageValue; record: Record<string, LineageValue> }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, fc.string(), fc.integer(), fc.boolean(), fc.array(tie('value'), { maxLength: 3 }), tie('record')),
  record: fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
}));
const record = fc.dictionary(fc.string(), value, { minKeys: 1, maxKeys: 5, noNullPrototype: true });

/** The same data with the keys of every object in the opposite order. */
function reversed(data: unknown): LineageValue {
  if (Array.isArray(data)) {
    return data.map(reversed);
  }
  return typeof data === 'object' && data !== null ? Object.fromEntries(Object.entries(data).reverse().map(([key, item]) => [key, reversed(item)])) : data as LineageValue;
}

test('a lineage is ten hexadecimal digits', () => {
  fc.assert(fc.property(value, (data) => {
    expect(lineage(data)).toMatch(/^[0-9a-f]{10}$/);
  }));
});

test('the order of keys does not matter, however deep', () => {
  fc.assert(fc.property(value, (data) => {
    expect(lineage(reversed(data))).toBe(lineage(data));
  }));
});

test('an unset option does not matter', () => {
  fc.assert(fc.property(record, fc.string(), (data, key) => {
    fc.pre(!Object.hasOwn(data, key) && key !== '__proto__');

    expect(lineage({ ...data, [key]: undefined })).toBe(lineage(data));
    expect(lineage({ outer: { ...data, [key]: undefined } })).toBe(lineage({ outer: data }));
  }));
});

test('any changed value matters', () => {
  fc.assert(fc.property(record, value, (data, other) => {
    const [key] = Object.keys(data);
    fc.pre(key !== '__proto__' && !isDeepStrictEqual(data[key!], other));

    expect(lineage({ ...data, [key!]: other })).not.toBe(lineage(data));
  }));
});

test.each([
  [['a', 'b'], ['b', 'a']], [['1'], [1]], [['ab'], ['a', 'b']], [[], {}], [true, 'true'], [{ a: {} }, { a: [] }],
])('%j and %j are different definitions', (one, other) => {
  expect(lineage(one)).not.toBe(lineage(other));
});

test('a lineage is stable over releases, since directories are named by it: the SHA-256 of JSON with sorted keys', () => {
  expect(lineage({ format: 'huggingface', definition: { revision: 'a', files: ['*.json'] } })).toBe('2617cfa0c4');
  expect(digest('text', 8)).toBe('1e1d0f25');
});
