import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { parseManifest, readManifests, UnreadableInput } from '../../bin/manifest-file';

const CHAT = `apiVersion: v1
kind: Service
metadata: {name: chat, labels: {team: llm}}
spec:
  # where the traffic goes
  ports:
    - port: 80
      targetPort: http
    - port: 81
`;

function folder(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'manifests-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  return directory;
}

describe('places', () => {
  const [chat] = parseManifest('chat.yaml', CHAT);

  test.each([
    [[], 1], [['metadata'], 3], [['metadata', 'labels', 'team'], 3], [['spec'], 4], [['spec', 'ports'], 6], [['spec', 'ports', 0], 7], [['spec', 'ports', 0, 'targetPort'], 8], [['spec', 'ports', 1, 'port'], 9],
  ])('%j is on line %i', (place, line) => {
    expect(chat!.lineOf(place)).toBe(line);
  });

  test('what is not in the file is on the line of what is above it', () => {
    expect(chat!.lineOf(['spec', 'ports', 1, 'targetPort'])).toBe(9);
    expect(chat!.lineOf(['spec', 'selector', 'app'])).toBe(4);
    expect(chat!.lineOf(['status'])).toBe(1);
  });

  test('documents and items of lists are found in the whole file', () => {
    const text = `# two documents\n---\n${CHAT}---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: token\n`;
    const objects = parseManifest('all.yaml', text);

    expect(objects.map(({ object, lineOf }) => [object.kind, lineOf([]), lineOf(['metadata', 'name'])])).toEqual([['Service', 3, 5], ['Secret', 16, 19]]);
  });

  test('keys that are numbers, and merged ones, have a place', () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: &head\n  name: a\ndata:\n  8080: x\n';

    expect(parseManifest('a.yaml', text)[0]!.lineOf(['data', '8080'])).toBe(6);
  });
});

describe('values are read as Kubernetes reads them', () => {
  const values = (text: string): unknown => parseManifest('a.yaml', `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n${text}`)[0]!.object.data;

  test.each([
    ['  a: yes\n', { a: true }], ['  a: "yes"\n', { a: 'yes' }], ['  a: 12:30\n', { a: '12:30' }], ['  a: 12:30:45.5\n', { a: '12:30:45.5' }], ['  a: 2024-01-01\n', { a: '2024-01-01' }], ['  a: 0640\n', { a: 416 }],
    ['  a: !!binary aGVsbG8=\n', { a: 'aGVsbG8=' }], ['  a: y\n', { a: true }], ['  ? [a, b]\n  : c\n', { '[ a, b ]': 'c' }],
    ['  a: 1e3\n', { a: 1000 }], ['  a: ~\n', { a: null }], ['  a: |\n    two\n    lines\n', { a: 'two\nlines\n' }], ['  <<: {b: c}\n  a: d\n', { a: 'd', b: 'c' }],
  ])('%j', (text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  test('JSON is read as well', () => {
    expect(parseManifest('a.json', '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}]}').map(({ object }) => object)).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
    ]);
  });

  test('items of a typed list may leave out what the list says, and an empty list may have none', () => {
    const text = 'apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- {apiVersion: v1, kind: Service, metadata: {name: b}}\n---\napiVersion: v1\nkind: List\nitems:\n---\napiVersion: v1\nkind: List\n';

    expect(parseManifest('a.yaml', text).map(({ object }) => object)).toEqual([
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'b' } },
    ]);
  });

  test('an anchor may be used a thousand times', () => {
    const items = Array.from({ length: 1000 }, (_, index) => `- <<: *head\n  metadata: {name: a${String(index)}}\n`);

    expect(parseManifest('a.yaml', `apiVersion: v1\nkind: List\nhead: &head\n  apiVersion: v1\n  kind: Pod\nitems:\n${items.join('')}`).map(({ object }) => object)).toEqual(
      items.map((_, index) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: `a${String(index)}` } })),
    );
  });

  test('empty documents and what Kustomize reads itself are left out', () => {
    expect(parseManifest('a.yaml', '')).toEqual([]);
    expect(parseManifest('a.yaml', '# nothing\n---\n---\n')).toEqual([]);
    expect(parseManifest('base/kustomization.yaml', 'resources: [a.yaml]\n')).toEqual([]);
    expect(parseManifest('a.yaml', 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [b.yaml]\n')).toEqual([]);
    expect(parseManifest('a.yaml', 'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\n')).toHaveLength(1);
  });
});

describe('what cannot be checked', () => {
  test.each([
    ['a document that ends too early', 'apiVersion: v1\nkind: [Pod\n', 'a.yaml:3: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['a tab as indentation', 'apiVersion: v1\nmetadata:\n\tname: a\n', 'a.yaml:3: Tabs are not allowed as indentation'],
    ['a key that is there twice', 'apiVersion: v1\nkind: Pod\nkind: Job\n', 'a.yaml:3: Map keys must be unique'],
    ['values of a chart', 'replicas: 1\n', 'a.yaml:1: this is no Kubernetes object: \'apiVersion\' and \'kind\' are missing or no text'],
    ['an object without its kind', '---\napiVersion: v1\nmetadata: {name: a}\n', 'a.yaml:2: this is no Kubernetes object: \'kind\' is missing or no text'],
    ['a kind that is no text', 'apiVersion: v1\nkind: 3\n', 'a.yaml:1: this is no Kubernetes object: \'kind\' is missing or no text'],
    ['a list', '- apiVersion: v1\n  kind: Pod\n', 'a.yaml:1: this is no Kubernetes object: \'apiVersion\' and \'kind\' are missing or no text'],
    ['a text', 'hello\n', 'a.yaml:1: this is no Kubernetes object: \'apiVersion\' and \'kind\' are missing or no text'],
    ['JSON after JSON', '{"apiVersion": "v1", "kind": "Pod"}\n{"apiVersion": "v1", "kind": "Pod"}\n', 'a.yaml:2: Unexpected flow-map-start at node end'],
    ['keys that are there twice on two lines', 'kind: Pod\nkind: Job\nmetadata: {name: a, name: b}\n', 'a.yaml:2: Map keys must be unique\na.yaml:3: Map keys must be unique'],
    ['an alias without an anchor', 'apiVersion: v1\nkind: Pod\nmetadata: *head\n', 'a.yaml:3: there is no anchor \'head\' before this alias'],
    ['an anchor of another document', 'apiVersion: v1\nkind: Pod\nmetadata: &head {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  <<: *head\n', 'a.yaml:8: there is no anchor \'head\' before this alias'],
    ['an anchor that contains itself', 'apiVersion: v1\nkind: Pod\nmetadata: &head\n  name: a\n  labels: {head: *head}\n', 'a.yaml:5: the anchor \'head\' contains itself'],
    ['aliases that multiply', `apiVersion: v1\na: &a [x, x, x, x, x, x, x, x, x, x]\n${['b', 'c', 'd', 'e'].map((name, index) => `${name}: &${name} [${Array(10).fill(`*${'abcd'[index]!}`).join(', ')}]\n`).join('')}f: *e\n`, 'a.yaml:1: Excessive alias count indicates a resource exhaustion attack'],
    ['a template of Helm', 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-a\n', [
      'a.yaml:4: Unexpected scalar at node end',
      'a.yaml looks like a Helm template; render it first: helm template CHART | cdk8s-chatglm validate -',
    ].join('\n')],
  ])('%s', (_, text, message) => {
    expect(() => parseManifest('a.yaml', text)).toThrow(new UnreadableInput(message));
  });

  test('every file that cannot be read is named', () => {
    const directory = folder({ 'a.yaml': CHAT, 'b.yaml': 'a: [', 'c.yaml': 'x: 1\n' });
    const at = (name: string): string => path.join(directory, name);
    const bad = [
      `${at('b.yaml')}:1: Flow sequence in block collection must be sufficiently indented and end with a ]`,
      `${at('c.yaml')}:1: this is no Kubernetes object: 'apiVersion' and 'kind' are missing or no text`,
    ];

    expect(() => readManifests([at('a.yaml'), at('b.yaml'), at('c.yaml'), at('d.yaml')])).toThrow(new UnreadableInput([`${at('d.yaml')}: there is no such file`, ...bad].join('\n')));
    expect(() => readManifests([directory])).toThrow(new UnreadableInput(bad.join('\n')));
  });

  test('a file that is no UTF-8 is named with the line', () => {
    const directory = folder({ 'a.yaml': CHAT });
    const file = path.join(directory, 'b.yaml');
    writeFileSync(file, Buffer.concat([Buffer.from(CHAT), Buffer.from('# caf\xe9\n', 'latin1')]));

    expect(() => readManifests([directory])).toThrow(new UnreadableInput(`${file}:10: this is no UTF-8`));
  });

  test('a directory in which there is nothing to check', () => {
    const directory = folder({ 'notes.txt': 'x', '.git/e.yaml': CHAT });

    expect(() => readManifests([directory])).toThrow(new UnreadableInput(`${directory}: there are no YAML or JSON files below`));
  });
});

test('a directory stands for the manifests below it, in the order of their names', () => {
  const directory = folder({ 'b.yml': CHAT, 'a.yaml': CHAT, 'c.json': '{"apiVersion": "v1", "kind": "Pod"}', 'notes.txt': 'x', 'kustomization.yaml': 'resources: [a.yaml]\n', 'deeper.yaml/d.yaml': CHAT, '.git/e.yaml': CHAT, 'node_modules/f/package.json': '{}' });

  expect(readManifests([directory]).map(({ file }) => path.relative(directory, file))).toEqual(['a.yaml', 'b.yml', 'c.json', 'deeper.yaml/d.yaml']);
});
