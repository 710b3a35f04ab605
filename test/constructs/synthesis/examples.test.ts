import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

const EXAMPLES = path.join(__dirname, '..', '..', '..', 'examples');
// A repository of its own, with a delivery of its own, has its own tests.
const isRepository = (name: string): boolean => existsSync(path.join(EXAMPLES, name, 'package.json'));
const folders = readdirSync(EXAMPLES).filter((name) => existsSync(path.join(EXAMPLES, name, 'main.ts')) && !isRepository(name)).sort();

type Modules = Record<string, Record<string, unknown>>;

/** Runs an example's program with one app for both of its names, and gives the files. */
function filesOf(folder: string, chosen: 'App' | 'GlmApp'): Record<string, string> {
  const outdir = mkdtempSync(path.join(tmpdir(), 'examples-'));
  process.env.CDK8S_OUTDIR = outdir;
  jest.isolateModules(() => {
    const cdk8s = jest.requireActual<Modules[string]>('cdk8s');
    const ours = jest.requireActual<Modules[string]>('cdk8s-chatglm');
    const app = (chosen === 'App' ? cdk8s.App : ours.GlmApp) as { prototype: { synth: () => void } };
    const synth = jest.spyOn(app.prototype, 'synth');
    jest.doMock('cdk8s', () => ({ ...cdk8s, App: app }));
    jest.doMock('cdk8s-chatglm', () => ({ ...ours, GlmApp: app }));
    jest.requireActual(path.join(EXAMPLES, folder, 'main.ts'));
    expect(synth).toHaveBeenCalled();
  });
  jest.dontMock('cdk8s').dontMock('cdk8s-chatglm');
  delete process.env.CDK8S_OUTDIR;
  const files = readdirSync(outdir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ parentPath, name }) => [path.relative(outdir, path.join(parentPath, name)), readFileSync(path.join(parentPath, name), 'utf8')]));
}

test.each(folders)('%s has the same files by cdk8s\'s app and by ours', (folder) => {
  const [plain, ours] = [filesOf(folder, 'App'), filesOf(folder, 'GlmApp')];

  expect(Object.keys(plain)).not.toEqual([]);
  expect(ours).toEqual(plain);
});
