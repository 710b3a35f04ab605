import * as fc from 'fast-check';

import { escapeReferences, renderCommand, renderEnv } from '../../../lib/pods/env';
import type { EnvEntry } from '../../../lib/pods/pod-fragment';
import { expandLikeKubelet } from '../../support/kubelet-expansion';
import { thrownBy } from '../../support/thrown';

/** Text that is full of what the kubelet looks for. */
const tricky = fc.oneof(fc.string(), fc.array(fc.constantFrom('$', '(', ')', 'HOME', ' '), { maxLength: 12 }).map((parts) => parts.join('')));

test('whatever stands in a literal reaches the process unchanged', () => {
  fc.assert(fc.property(tricky, (text) => {
    const [variable] = renderEnv([{ name: 'A', value: text }]);
    const [word] = renderCommand([text]);

    expect(expandLikeKubelet(variable?.value ?? '', { HOME: '/root', '': 'empty' })).toBe(text);
    expect(expandLikeKubelet(word ?? '', { HOME: '/root', '': 'empty' })).toBe(text);
  }), { numRuns: 1000 });
});

test.each([
  ['$(HOME)', '$$(HOME)'], ['$$(HOME)', '$$$$(HOME)'], ['cost: 5$', 'cost: 5$'], ['${HOME} and $HOME', '${HOME} and $HOME'], ['$$', '$$$'], ['$(', '$$('],
])('%s is written as %s', (text, written) => {
  expect(escapeReferences(text)).toBe(written);
});

test('a template is left for the kubelet', () => {
  expect(renderCommand(['--host', { template: '$(MS_SCHED_HOST)' }])).toEqual(['--host', '$(MS_SCHED_HOST)']);
  expect(renderEnv([{ name: 'URL', template: 'http://$(HOST)' }])).toEqual([{ name: 'URL', value: 'http://$(HOST)' }]);
});

test('a value from elsewhere has no literal one', () => {
  const valueFrom = { fieldRef: { fieldPath: 'status.podIP' } };

  expect(renderEnv([{ name: 'POD_IP', valueFrom }])).toEqual([{ name: 'POD_IP', valueFrom }]);
});

/** Variables V0, V1, ...; each may refer to those with a greater number, so there is no circle. */
const acyclic: fc.Arbitrary<EnvEntry[]> = fc.integer({ min: 1, max: 12 }).chain((size) => fc.tuple(
  ...Array.from({ length: size }, (_, index) => fc.subarray(Array.from({ length: size - index - 1 }, (_unused, offset) => index + offset + 1)).map((targets): EnvEntry => ({
    name: `V${String(index)}`, template: targets.map((target) => `$(V${String(target)})`).join(','),
  }))),
)).chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length }));

test('a template stands behind all variables that it refers to, and none is lost', () => {
  fc.assert(fc.property(acyclic, (entries) => {
    const rendered = renderEnv(entries);

    const seen = new Set<string>();
    for (const { name, value = '' } of rendered) {
      const missing = [...value.matchAll(/\$\((V\d+)\)/g)].map((match) => match[1]!).filter((target) => !seen.has(target));
      expect({ name, missing }).toEqual({ name, missing: [] });
      seen.add(name);
    }
    expect([...seen].sort()).toEqual(entries.map(({ name }) => name).sort());
  }));
});

test('variables that refer to nothing keep their order', () => {
  const entries = ['C', 'A', 'B'].map((name) => ({ name, value: name }));

  expect(renderEnv(entries).map(({ name }) => name)).toEqual(['C', 'A', 'B']);
});

test('what looks like a reference in a literal moves nothing', () => {
  const entries = [{ name: 'A', value: '$(B)' }, { name: 'B', value: 'b' }];

  expect(renderEnv(entries)).toEqual([{ name: 'A', value: '$$(B)' }, { name: 'B', value: 'b' }]);
});

test('a reference to a variable of the image moves nothing', () => {
  expect(renderEnv([{ name: 'A', template: '$(PATH)' }])).toEqual([{ name: 'A', value: '$(PATH)' }]);
});

test.each([
  [['A', 'A'], 'A -> A'], [['A', 'B', 'A'], 'A -> B -> A'], [['A', 'B', 'C', 'B'], 'A -> B -> C -> B'],
])('a circle is refused: %j', (path, told) => {
  const entries = path.slice(0, -1).map((name, index) => ({ name, template: `$(${path[index + 1]!})` }));

  expect(thrownBy(() => renderEnv(entries))).toBe(`environment variables refer to each other in a circle: ${told}`);
});
