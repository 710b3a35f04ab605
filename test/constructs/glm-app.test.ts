import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { ApiObject, App, type AppProps, Chart, type IResolver, JsonPatch, Lazy, type ResolutionContext, YamlOutputType } from 'cdk8s';
import { GlmApp } from 'cdk8s-chatglm';
import { Construct, type IConstruct } from 'constructs';
import * as fc from 'fast-check';

import { messageOf } from '../support/bad-input';

const folder = (): string => mkdtempSync(path.join(tmpdir(), 'glm-app-'));

/** Every file below a folder, with its text; folders as such too. */
function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(names.map((name) => [name, statSync(path.join(directory, name)).isDirectory() ? '<folder>' : readFileSync(path.join(directory, name), 'utf8')]));
}

type Program = (app: App) => void;

/** What a program writes in cdk8s's own app, and in ours. */
function both(program: Program, props: AppProps = {}): { plain: Record<string, string>; ours: Record<string, string> } {
  const [plain, ours] = [new App({ ...props, outdir: folder() }), new GlmApp({ ...props, outdir: folder() })];
  [plain, ours].forEach((app) => { program(app); app.synth(); });
  return { plain: contents(plain.outdir), ours: contents(ours.outdir) };
}

function same(program: Program, props?: AppProps): void {
  const { plain, ours } = both(program, props);
  expect(ours).toEqual(plain);
}

const configMap = (scope: Construct, id: string, data: Record<string, unknown> = { key: 'value' }): ApiObject => new ApiObject(scope, id, { apiVersion: 'v1', kind: 'ConfigMap', data });

/** A random tree: constructs by their parent's number, and dependencies by numbers of constructs. */
interface Tree {
  readonly nodes: readonly { readonly parent: number; readonly type: 'chart' | 'object' | 'construct'; readonly id: string }[];
  readonly dependencies: readonly (readonly [number, number])[];
}

const TREES: fc.Arbitrary<Tree> = fc.record({
  nodes: fc.array(fc.record({ parent: fc.nat(30), type: fc.constantFrom('chart' as const, 'object' as const, 'object' as const, 'construct' as const), id: fc.constantFrom('a', 'b', 'c', 'd', 'e', '1', '2', '10', '007', 'x-y') }), { minLength: 1, maxLength: 14 }),
  dependencies: fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 3 }),
});

/** Grows a tree; what does not fit, such as an id that is taken or an object outside of charts, is left out the same way every time. */
function grow({ nodes, dependencies }: Tree): Program {
  return (app) => {
    const made: IConstruct[] = [app, new Chart(app, 'first')];
    for (const { parent, type, id } of nodes) {
      const scope = made[parent % made.length]!;
      if (scope.node.tryFindChild(id) === undefined && (type === 'chart' || scope !== app)) {
        made.push(type === 'chart' ? new Chart(scope, id) : type === 'object' ? configMap(scope, id) : new Construct(scope, id));
      }
    }
    for (const [from, to] of dependencies) {
      const [source, target] = [made[1 + from % (made.length - 1)]!, made[1 + to % (made.length - 1)]!];
      if (source !== target) {
        source.node.addDependency(target);
      }
    }
  };
}

const OUTPUT_TYPES = [YamlOutputType.FILE_PER_APP, YamlOutputType.FILE_PER_CHART, YamlOutputType.FILE_PER_RESOURCE, YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE];

describe('the files are cdk8s\'s own', () => {
  test('for random trees with dependencies, however they are divided into files; a cycle is one for both', () => {
    const counts = { cycles: 0, equal: 0 };
    fc.assert(fc.property(TREES, fc.constantFrom(...OUTPUT_TYPES), fc.boolean(), (tree, yamlOutputType, recordConstructMetadata) => {
      const program = grow(tree);
      const props = { yamlOutputType, recordConstructMetadata };
      const plain = messageOf(() => { const app = new App({ ...props, outdir: folder() }); program(app); app.synth(); });
      if (plain === undefined) {
        counts.equal += 1;
        same(program, props);
      } else {
        counts.cycles += 1;
        const ours = messageOf(() => { const app = new GlmApp({ ...props, outdir: folder() }); program(app); app.synth(); });
        expect([plain, ours]).toEqual([expect.stringMatching(/^Dependency cycle detected: /), expect.stringMatching(/^dependencies form a cycle: .+ => .+; remove one of them$/)]);
      }
    }), { numRuns: 1500 });

    expect(counts.equal).toBeGreaterThan(700);
    expect(counts.cycles).toBeGreaterThan(50);
  }, 120_000);

  test('as one text too', () => {
    fc.assert(fc.property(TREES, (tree) => {
      const program = grow({ ...tree, dependencies: tree.dependencies.slice(0, 1) });
      const text = (app: App): string | undefined => { program(app); try { return app.synthYaml(); } catch { return undefined; } };

      expect(text(new GlmApp())).toBe(text(new App()));
    }), { numRuns: 300 });
  });

  test('with lazy values, resolvers, patches and objects of one name', () => {
    const upper: IResolver = { resolve: (context: ResolutionContext) => { if (context.value === 'upper') { context.replaceValue('UPPER'); } } };
    const program = (app: App): void => {
      const chart = new Chart(app, 'chart', { namespace: 'llm', labels: { team: 'ml' } });
      configMap(chart, 'lazy', { value: Lazy.any({ produce: () => ({ later: ['on', 1, true] }) }), resolved: 'upper' });
      configMap(chart, 'patched').addJsonPatch(JsonPatch.add('/data/text', 'two\nlines\n'), JsonPatch.replace('/metadata/name', 'other'));
      ['a', 'b'].forEach((id) => new ApiObject(new Chart(app, id, { namespace: id }), 'same', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'twice' }, stringData: { id } }));
      new Chart(app, 'empty');
    };

    OUTPUT_TYPES.forEach((yamlOutputType) => { same(program, { yamlOutputType, resolvers: [upper], outputFileExtension: '.yaml', recordConstructMetadata: true }); });
  });

  test('with charts whose ids are numbers, which cdk8s sorts before all others', () => {
    const program = (app: App): void => {
      const charts = ['z', '10', '007', '2', '4294967295'].map((id) => new Chart(app, id));
      charts.forEach((chart) => { configMap(chart, 'object'); configMap(new Chart(new Construct(chart, 'group'), '3'), 'object'); });
    };

    [YamlOutputType.FILE_PER_APP, YamlOutputType.FILE_PER_CHART].forEach((yamlOutputType) => { same(program, { yamlOutputType }); });
  });

  test('without any chart', () => {
    OUTPUT_TYPES.forEach((yamlOutputType) => { same(() => undefined, { yamlOutputType }); });
  });
});

describe('dependencies', () => {
  test('a chain of 3000 charts with three objects each is sorted, where cdk8s needs minutes for twenty', () => {
    const app = new GlmApp({ outdir: folder() });
    const charts = Array.from({ length: 3000 }, (_, index) => new Chart(app, `chart-${String(index)}`));
    charts.forEach((chart, index) => {
      ['a', 'b', 'c'].forEach((id) => configMap(chart, id));
      if (charts[index + 1] !== undefined) {
        chart.addDependency(charts[index + 1]!);
      }
    });
    const start = performance.now();
    app.synth();

    expect(performance.now() - start).toBeLessThan(20_000);
    expect(readdirSync(app.outdir)).toHaveLength(3000);
    expect(readFileSync(path.join(app.outdir, '0000-chart-2999.k8s.yaml'), 'utf8')).toContain('name: chart-2999-a-');
  }, 60_000);

  test('files are not numbered when that is said, so that a new chart renames no other file', () => {
    const app = new GlmApp({ outdir: folder(), numberedFiles: false });
    const [a, b] = ['a', 'b'].map((id) => new Chart(app, id));
    a!.addDependency(b!);
    app.synth();

    expect(readdirSync(app.outdir)).toEqual(['a.k8s.yaml', 'b.k8s.yaml']);
  });

  test('a construct that depends on itself is a fault; cdk8s would leave it out', () => {
    const app = new GlmApp({ outdir: folder() });
    const object = configMap(new Chart(app, 'chart'), 'object');
    object.addDependency(object);

    expect(messageOf(() => { app.synth(); })).toBe('dependencies form a cycle: chart/object => chart/object; remove one of them');
  });

  test('constructs have no further dependencies after synth', () => {
    const app = new GlmApp({ outdir: folder() });
    const [a, b] = ['a', 'b'].map((id) => new Chart(app, id));
    const [first, second] = [configMap(a!, 'first'), configMap(b!, 'second')];
    first.addDependency(second);
    app.synth();

    expect([a!, b!, first, second].map(({ node }) => node.dependencies)).toEqual([[], [], [second], []]);
  });
});

describe('files', () => {
  const past = new Date('2020-01-01T00:00:00Z');
  const fleet = (outdir: string, values: Record<string, string>, props = {}): string => {
    const app = new GlmApp({ outdir, ...props });
    Object.entries(values).forEach(([id, value]) => configMap(new Chart(app, id), 'object', { value }));
    app.synth();
    return outdir;
  };
  const written = (outdir: string): string[] => readdirSync(outdir).filter((file) => statSync(path.join(outdir, file)).mtimeMs !== past.getTime());
  const age = (outdir: string): void => { readdirSync(outdir).forEach((file) => { utimesSync(path.join(outdir, file), past, past); }); };

  test('only those whose content changed are written', () => {
    const outdir = fleet(folder(), { a: '1', b: '1', c: '1' });
    age(outdir);
    fleet(outdir, { a: '1', b: '2', c: '1', d: '1' });

    expect(written(outdir)).toEqual(['b.k8s.yaml', 'd.k8s.yaml']);
    expect(readFileSync(path.join(outdir, 'b.k8s.yaml'), 'utf8')).toContain('value: "2"');
  });

  test('those of removed charts stay, unless prune is said; what others put there stays always', () => {
    const outdir = fleet(folder(), { a: '1', b: '1' });
    ['notes.md', 'kustomization.yaml', '.hidden.k8s.yaml'].forEach((name) => { writeFileSync(path.join(outdir, name), ''); });
    mkdirSync(path.join(outdir, 'other'));
    writeFileSync(path.join(outdir, 'other', 'x.k8s.yaml'), '');
    symlinkSync('notes.md', path.join(outdir, 'link.k8s.yaml'));
    fleet(outdir, { a: '1' });
    expect(readdirSync(outdir)).toContain('b.k8s.yaml');

    fleet(outdir, { a: '1' }, { prune: true });
    expect(readdirSync(outdir)).toEqual(['.hidden.k8s.yaml', 'a.k8s.yaml', 'kustomization.yaml', 'link.k8s.yaml', 'notes.md', 'other']);
    expect(readdirSync(path.join(outdir, 'other'))).toEqual(['x.k8s.yaml']);
  });

  test('folders of removed charts go with their files, and only if nothing else is in them', () => {
    const props = { prune: true, yamlOutputType: YamlOutputType.FOLDER_PER_CHART_FILE_PER_RESOURCE };
    const outdir = fleet(folder(), { a: '1', b: '1', c: '1' }, props);
    writeFileSync(path.join(outdir, 'c', 'notes.md'), '');
    fleet(outdir, { a: '1' }, props);

    expect(Object.keys(contents(outdir)).map((name) => name.replace(/-c8[0-9a-f]{6}/, ''))).toEqual(['a', 'a/ConfigMap.a-object.k8s.yaml', 'c', 'c/notes.md']);
  });

  test.each(['', '.yaml', '.yml', '.json'])('prune is refused with the ending \'%s\', which others\' files have too', (outputFileExtension) => {
    expect(messageOf(() => new GlmApp({ prune: true, outputFileExtension })))
      .toBe(`'prune' knows the files of this app by 'outputFileExtension', so that must be one that others do not have, like '.k8s.yaml', got '${outputFileExtension}'`);
  });

  test('a fault in one chart leaves every file as it was, and nothing behind', () => {
    const outdir = fleet(folder(), { a: '1', b: '1' });
    const before = contents(outdir);
    const app = new GlmApp({ outdir, prune: true });
    configMap(new Chart(app, 'a'), 'object', { value: 'new' });
    configMap(new Chart(app, 'z'), 'object', { value: new Date(0) });

    expect(messageOf(() => { app.synth(); })).toMatch(/^Failed serializing construct at path 'z\/object' with name 'z-object-[0-9a-f]+': Error: can't render non-simple object of type 'Date'$/);
    expect(contents(outdir)).toEqual(before);
  });

  test('a text that two charts put under one name is the last one\'s, also if the first had changed', () => {
    const twice = (app: App, values: string[]): void => {
      values.forEach((value, index) => new ApiObject(new Chart(app, `c${String(index)}`), 'x', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'same' }, data: { value } }));
    };
    const outdir = folder();
    for (const values of [['1', '2'], ['3', '2'], ['2', '4']]) {
      const app = new GlmApp({ outdir, yamlOutputType: YamlOutputType.FILE_PER_RESOURCE });
      twice(app, values);
      app.synth();
      expect(contents(outdir)).toEqual({ 'ConfigMap.same.k8s.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: same\ndata:\n  value: "${values[1]!}"\n` });
    }
  });

  test('a kustomization.yaml lists all manifests, on request', () => {
    const outdir = fleet(folder(), { b: '1', a: '1' }, { kustomization: true });

    expect(readFileSync(path.join(outdir, 'kustomization.yaml'), 'utf8')).toBe('apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - a.k8s.yaml\n  - b.k8s.yaml\n');
    expect(readdirSync(outdir)).toEqual(['a.k8s.yaml', 'b.k8s.yaml', 'kustomization.yaml']);
  });

  test('a folder that a killed synth left behind goes after an hour', () => {
    const outdir = folder();
    ['.synth-old', '.synth-new'].forEach((name) => { mkdirSync(path.join(outdir, name)); });
    utimesSync(path.join(outdir, '.synth-old'), past, past);
    fleet(outdir, { a: '1' });

    expect(readdirSync(outdir)).toEqual(['.synth-new', 'a.k8s.yaml']);
  });
});

describe('faults of many charts', () => {
  const invalid = (count: number): GlmApp => {
    const app = new GlmApp({ outdir: folder() });
    Array.from({ length: count }, (_, index) => new Chart(app, `c${String(index)}`)).forEach(({ node }) => { node.addValidation({ validate: () => ['is wrong'] }); });
    return app;
  };
  const lines = (count: number): string[] => Array.from({ length: count }, (_, index) => `  [c${String(index)}] is wrong`);

  test.each([[1, []], [20, []], [21, ['  and 1 more']], [500, ['  and 480 more']]])('%i validations', (count, more) => {
    const message = ['Validation failed with the following errors:', ...lines(Math.min(count, 20)), ...more].join('\n');

    expect(messageOf(() => { invalid(count).synth(); })).toBe(message);
    expect(messageOf(() => { invalid(count).synthYaml(); })).toBe(message);
  });

  test.each(OUTPUT_TYPES.map((type) => [YamlOutputType[type], type] as const))('objects that cannot be rendered, %s', (_name, yamlOutputType) => {
    const app = new GlmApp({ outdir: folder(), yamlOutputType });
    Array.from({ length: 22 }, (_, index) => new ApiObject(new Chart(app, `c${String(index)}`), 'x', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'n' }, data: new Set() }));
    const shown = Array.from({ length: 20 }, (_, index) => `  Failed serializing construct at path 'c${String(index)}/x' with name 'n': Error: can't render non-simple object of type 'Set'`);

    expect(messageOf(() => { app.synth(); })).toBe(['Synthesis failed with the following errors:', ...shown, '  and 2 more'].join('\n'));
  });

  test('each construct is validated once', () => {
    const app = new GlmApp({ outdir: folder() });
    const validate = jest.fn(() => []);
    Array.from({ length: 50 }, (_, index) => new Chart(app, `c${String(index)}`)).forEach(({ node }) => { node.addValidation({ validate }); });
    app.synth();

    expect(validate).toHaveBeenCalledTimes(50);
  });
});
